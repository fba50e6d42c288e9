internal import GatewayCore
internal import Glibc

/// What a folder says of a file.
struct FileStatus {
  var size: Int64
  var inode: UInt
  var isPlain: Bool
}

extension StoreDirectory {
  /// `nil` where no such file is there.
  func status(of name: String, in folder: CInt, shown: String) throws(SinkFailure) -> FileStatus? {
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return nil }
      throw .system("looking at", shown, errno)
    }
    return FileStatus(
      size: Int64(status.st_size), inode: status.st_ino, isPlain: status.st_mode & S_IFMT == S_IFREG)
  }

  /// What is in a folder, but for itself and the one above.
  static func names(in folder: CInt, shown: String) throws(SinkFailure) -> [String] {
    // The stream closes its descriptor and moves its position, so it gets one of its own.
    let copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0, let stream = fdopendir(copy) else {
      let code = errno
      if copy >= 0 { close(copy) }
      throw .system("listing", shown, code)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw .system("listing", shown, errno) }
        return names
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }
}

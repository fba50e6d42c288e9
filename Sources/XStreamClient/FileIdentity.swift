#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Tells a file from any other, and from itself after a change.
public struct FileIdentity: Hashable, Sendable, Codable {
  /// The absolute path.
  public let path: String
  /// The device's number.
  public let device: UInt64
  /// The inode's number.
  public let inode: UInt64
  /// Bytes.
  public let size: Int64
  /// Nanoseconds since 1970 of the last modification.
  public let modified: Int64

  /// Looks at a regular file. Symbolic links are followed.
  ///
  /// - Throws: ``UploadError`` with the code `source`.
  public init(of path: String) throws(UploadError) {
    do throws(FeedError) {
      self = try OpenFile(path: path).identity()
    } catch {
      throw error.error(nil)
    }
  }

  init(path: String, status: stat) {
    self.path = path
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
  }
}

/// A regular file, open for reading.
final class OpenFile: Sendable {
  let path: String
  private let descriptor: CInt

  /// - Throws: ``FeedError/unreadable(path:cause:)`` or ``FeedError/notRegular(path:)``.
  init(path: String) throws(FeedError) {
    // Without O_NONBLOCK the open of a named pipe would wait for a writer.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    self.path = path
    guard descriptor >= 0 else { throw .unreadable(path: path, cause: String(cString: strerror(errno))) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, cause: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notRegular(path: path) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  func identity() throws(FeedError) -> FileIdentity {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .unreadable(path: path, cause: String(cString: strerror(errno)))
    }
    return FileIdentity(path: Self.absolute(path), status: status)
  }

  /// Fills the memory from the offset on.
  ///
  /// - Returns: fewer bytes than there is room for at the file's end only.
  func read(into memory: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FeedError) -> Int {
    var filled = 0
    while filled < memory.count, let start = memory.baseAddress {
      let count = pread(descriptor, start + filled, memory.count - filled, off_t(offset) + off_t(filled))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .unreadable(path: path, cause: String(cString: strerror(errno))) }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// Tells the kernel that the file is read from the offset to its end.
  func adviseSequential(from offset: Int64) {
    _ = posix_fadvise(descriptor, off_t(offset), 0, POSIX_FADV_SEQUENTIAL)
  }

  private static func absolute(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }
}

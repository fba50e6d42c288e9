internal import GatewayCore
internal import Glibc

extension StoreDirectory {
  /// What became of the ledger's open uploads, with all else in the folder of unfinished ones removed.
  ///
  /// - Returns: those that cannot simply go on at their offset.
  func recover(_ records: [UploadRecord]) throws(SinkFailure) -> [UploadKey: RecoveredUpload] {
    var outcomes: [UploadKey: RecoveredUpload] = [:]
    var kept: Set<String> = []
    for record in records where record.state == .open {
      if let outcome = try outcome(of: record) {
        outcomes[record.key] = outcome
      } else {
        kept.insert(record.key.text)
      }
    }
    // A name that a dying gateway gave may not be durable yet, and the ledger is about to rely on it.
    try syncComplete()
    for name in try partialNames() where !kept.contains(name) {
      if unlinkat(partial, name, 0) == 0 || errno == ENOENT { continue }
      // No sink makes folders: it is not the gateway's, and does not harm it.
      if errno == EISDIR { continue }
      throw .system("removing an abandoned upload in", "\(path)/\(Self.partialName)", errno)
    }
    try syncPartial()
    return outcomes
  }

  private func outcome(of record: UploadRecord) throws(SinkFailure) -> RecoveredUpload? {
    let unfinished = try status(of: record.key, in: partial, shown: partialPlace(record.key))
    let final = try status(of: record.key, in: complete, shown: completePlace(record.key))
    if let unfinished {
      // One file with both names was on its way into place, on a file system that cannot rename without overwriting.
      if let final, final.inode == unfinished.inode { return .complete(size: final.size) }
      return unfinished.isPlain && unfinished.size >= record.committed ? nil : .lost
    }
    guard let final, final.isPlain else { return final == nil && record.committed == 0 ? nil : .lost }
    guard final.size == record.total ?? final.size, final.size >= record.committed else { return .lost }
    return .complete(size: final.size)
  }

  private struct FileStatus {
    var size: Int64
    var inode: UInt
    var isPlain: Bool
  }

  private func status(of key: UploadKey, in folder: CInt, shown: String) throws(SinkFailure) -> FileStatus? {
    var status = stat()
    guard fstatat(folder, key.text, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      if errno == ENOENT { return nil }
      throw .system("looking at", shown, errno)
    }
    return FileStatus(
      size: Int64(status.st_size), inode: status.st_ino, isPlain: status.st_mode & S_IFMT == S_IFREG)
  }

  private func partialNames() throws(SinkFailure) -> [String] {
    let shown = "\(path)/\(Self.partialName)"
    // The stream closes its descriptor and moves its position, so it gets one of its own.
    let copy = openat(partial, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
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

internal import GatewayCore
internal import Glibc

extension DirectoryStore {
  /// What became of the ledger's open uploads, with all else in the folder of unfinished ones removed.
  ///
  /// - Returns: those that cannot simply go on at their offset.
  func recoverFiles(_ records: [UploadRecord]) throws(SinkFailure) -> [UploadKey: RecoveredUpload] {
    var outcomes: [UploadKey: RecoveredUpload] = [:]
    var kept: Set<String> = []
    for record in records where record.state == .open {
      let place = finalPlace(NameFacts(record))
      book.note(place, of: record.key)
      if let outcome = try outcome(of: record, final: place) {
        outcomes[record.key] = outcome
      } else {
        kept.insert(record.key.text)
        room.expect(record.granted - record.committed, of: record.key)
      }
    }
    try directory.sweepPartial(keeping: kept)
    return outcomes
  }

  private func outcome(of record: UploadRecord, final place: FinalPlace) throws(SinkFailure) -> RecoveredUpload? {
    let unfinished = try directory.status(
      of: record.key.text, in: directory.partial, shown: directory.partialPlace(record.key))
    let today = PossiblePlace(place: place, isSqueezed: settings.engine != nil)
    if let unfinished {
      // One file with both names was on its way into place, on a file system that cannot rename without overwriting.
      if let final = try status(of: record.key, at: place), final.inode == unfinished.inode {
        return try complete(record, final, at: today)
      }
      guard unfinished.isPlain else { return .lost }
      return try holds(record, unfinished) ? nil : .lost
    }
    // It may have got its name before `gzip` or `name` was changed.
    for possible in [today] + settings.possiblePlaces(of: NameFacts(record)) {
      guard let final = try status(of: record.key, at: possible.place) else { continue }
      return final.isPlain ? try complete(record, final, at: possible) : .lost
    }
    return record.committed == 0 ? nil : .lost
  }

  private func status(of key: UploadKey, at place: FinalPlace) throws(SinkFailure) -> FileStatus? {
    guard let folder = try directory.folder(of: place) else { return nil }
    return try directory.status(of: place.name, in: folder.descriptor, shown: directory.completePlace(key))
  }

  /// A file was whole when it got its final name, whatever its consumer has made of it since.
  private func complete(
    _ record: UploadRecord, _ final: FileStatus, at possible: PossiblePlace
  ) throws(SinkFailure) -> RecoveredUpload {
    // A name that a dying gateway gave may not be durable yet, and the ledger is about to rely on it. Its other name may
    // be about to be swept.
    let folder = try directory.folder(of: possible.place, making: true)
    try folder?.sync()
    var size = final.size
    if record.total == nil, possible.isSqueezed, let folder {
      let shown = directory.completePlace(record.key)
      size = try gzipIndex(possible.place.name, in: folder.descriptor, upTo: .max, shown: shown).rawSize
    }
    size = record.total ?? min(max(size, record.committed), record.granted)
    return .complete(size: size, stored: possible.isSqueezed ? final.size : nil)
  }

  /// Whether an unfinished file has what the ledger says.
  private func holds(_ record: UploadRecord, _ status: FileStatus) throws(SinkFailure) -> Bool {
    if record.committed == 0 { return true }
    guard settings.engine != nil || status.size >= record.committed else { return false }
    let shown = directory.partialPlace(record.key)
    let index = try gzipIndex(record.key.text, in: directory.partial, upTo: record.committed, shown: shown)
    // Members that end at the offset were squeezed, before `gzip` was taken out of the configuration.
    return (index.rawSize == record.committed) == (settings.engine != nil)
  }

  private func gzipIndex(
    _ name: String, in folder: CInt, upTo limit: Int64, shown: String
  ) throws(SinkFailure) -> GzipIndex {
    let file = uninterrupted { openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) }
    guard file >= 0 else { throw .system("opening", shown, errno) }
    defer { close(file) }
    return try GzipIndex.read(file, upTo: limit, shown: shown)
  }
}

/// What a folder says of a file.
struct FileStatus {
  var size: Int64
  var inode: UInt
  var isPlain: Bool
}

extension StoreDirectory {
  /// Removes all unfinished files but those of these names.
  func sweepPartial(keeping kept: Set<String>) throws(SinkFailure) {
    for name in try partialNames() where !kept.contains(name) {
      if unlinkat(partial, name, 0) == 0 || errno == ENOENT { continue }
      // No sink makes folders: it is not the gateway's, and does not harm it.
      if errno == EISDIR { continue }
      throw .system("removing an abandoned upload in", "\(path)/\(Self.partialName)", errno)
    }
    try syncPartial()
  }

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

internal import CLinux
internal import GatewayCore
internal import Glibc

extension DirectoryStore {
  /// What became of one open upload, and whether its unfinished file is its still.
  private struct Finding {
    /// `nil` for one that can go on at its offset.
    var outcome: RecoveredUpload?
    var keepsFile: Bool

    static let waiting = Finding(outcome: nil, keepsFile: true)
    static func damaged(_ reason: String) -> Finding { Finding(outcome: .damaged(reason), keepsFile: true) }
  }

  /// Looks what became of the ledger's open uploads, and removes all else from the folder of unfinished ones.
  func recoverFiles(_ records: [UploadRecord], besides others: Set<UploadKey>) throws(SinkFailure) -> RecoveredPlace {
    var found = RecoveredPlace()
    var kept = Set(others.map(\.text))
    for record in records where record.state == .open {
      let form: StoredForm
      do throws(SinkFailure) {
        form = try settings.form(record.storeState, of: record.facts)
      } catch {
        guard case .storage(let reason) = error else { throw error }
        found.uploads[record.key] = .damaged(reason)
        kept.insert(record.key.text)
        continue
      }
      book.note(form, of: record.key)
      let finding = try self.finding(of: record, form)
      found.uploads[record.key] = finding.outcome
      if finding.keepsFile { kept.insert(record.key.text) }
      if finding.outcome == nil { directory.giveBackSpaceAhead(of: record.key) }
      if finding.keepsFile { space.found(record.committed, of: record.key, by: record.facts.subject) }
      if form.hasSidecar, let removed = try removeUnplacedSidecar(record.key, form) { found.removed.append(removed) }
    }
    if !settings.isShared { found.removed += try directory.sweepPartial(keeping: kept) }
    return found
  }

  private func finding(of record: UploadRecord, _ form: StoredForm) throws(SinkFailure) -> Finding {
    let unfinished = try unfinishedStatus(record.key)
    if let unfinished {
      if let final = try status(of: record.key, at: form.place), final.isPlain {
        // One file with both names was on its way into place, on a file system that cannot rename without overwriting.
        if final.inode == unfinished.inode { return try complete(record, final, form) }
        // An upload that was complete, without the ledger knowing so, was begun anew by an older release, which could not end it then.
        if record.committed == 0, !form.isCompressed, let total = record.facts.total, final.size == total {
          return try complete(record, final, form)
        }
      }
      guard unfinished.isPlain else {
        return record.committed == 0
          ? Finding(outcome: nil, keepsFile: false) : .damaged("its file is no plain file any more")
      }
      return try finding(of: record, form, unfinished)
    }
    // Of an older release it may have got its name before `gzip` or `name` was changed.
    for possible in [form] + (form.isRecorded ? [] : settings.possiblePlaces(of: record.facts)) {
      guard let final = try status(of: record.key, at: possible.place) else { continue }
      return final.isPlain ? try complete(record, final, possible) : .damaged("no plain file has its final name")
    }
    return record.committed == 0 ? .waiting : .damaged("its file is gone, of which \(record.committed) bytes were safe")
  }

  /// What is to be said of an unfinished file, by what the ledger says of it.
  private func finding(
    of record: UploadRecord, _ form: StoredForm, _ status: FileStatus
  ) throws(SinkFailure) -> Finding {
    let safe = record.committed
    if safe == 0 { return .waiting }
    let shown = directory.partialPlace(record.key)
    guard form.isCompressed else {
      guard status.size >= safe else {
        return .damaged("its file has \(status.size) bytes, of which \(safe) were safe")
      }
      guard !form.isRecorded else { return .waiting }
      let index = try gzipIndex(record.key.text, in: directory.partial, upTo: safe, shown: shown)
      return index.rawSize == safe ? .damaged(Self.doubt) : .waiting
    }
    let index = try gzipIndex(record.key.text, in: directory.partial, upTo: safe, shown: shown)
    guard index.rawSize == safe else {
      return .damaged("its file has whole members for \(index.rawSize) bytes, and none ends at \(safe), which was safe")
    }
    return .waiting
  }

  /// Of an upload whose form no ledger has: joined to the wrong kind of bytes it would be worth nothing, so it waits.
  static let doubt =
    "an older release began it, and its file may be compressed, which `gzip` says no more; with `gzip` as it was it goes on"

  private func unfinishedStatus(_ key: UploadKey) throws(SinkFailure) -> FileStatus? {
    try directory.status(of: key.text, in: directory.partial, shown: directory.partialPlace(key))
  }

  private func status(of key: UploadKey, at place: FinalPlace) throws(SinkFailure) -> FileStatus? {
    guard let folder = try directory.folder(of: place) else { return nil }
    return try directory.status(of: place.name, in: folder.descriptor, shown: directory.completePlace(key))
  }

  /// A file was whole when it got its final name, whatever its consumer has made of it since.
  private func complete(
    _ record: UploadRecord, _ final: FileStatus, _ form: StoredForm
  ) throws(SinkFailure) -> Finding {
    // A name that a dying gateway gave may not be durable yet, and the ledger is about to rely on it. Its other name may
    // be about to be swept.
    let folder = try directory.folder(of: form.place, making: true)
    try folder?.sync()
    let size = try completeSize(of: record.key, total: record.facts.total, final, form)
    return Finding(
      outcome: .complete(
        size: record.facts.total ?? min(max(size, record.committed), record.granted),
        stored: form.isCompressed ? final.size : nil),
      keepsFile: false)
  }

  /// Bytes of an upload whose file has its final name.
  func completeSize(
    of key: UploadKey, total: Int64?, _ final: FileStatus, _ form: StoredForm
  ) throws(SinkFailure) -> Int64 {
    if let total { return total }
    guard form.isCompressed, let folder = try directory.folder(of: form.place) else { return final.size }
    // The headers are the gateway's own: the ledger says that it compressed the file.
    return try gzipIndex(
      form.place.name, in: folder.descriptor, upTo: .max, shown: directory.completePlace(key)
    ).rawSize
  }

  /// A sidecar gets its place just before its file does: alone, it is of an attempt that a crash has ended.
  private func removeUnplacedSidecar(_ key: UploadKey, _ form: StoredForm) throws(SinkFailure) -> RemovedFile? {
    // Where the unfinished file is not there either, somebody may have taken the complete one away.
    guard try unfinishedStatus(key) != nil, let folder = try directory.folder(of: form.place) else { return nil }
    let shown = directory.completePlace(key)
    guard try directory.status(of: form.place.name, in: folder.descriptor, shown: shown) == nil,
      let sidecar = try directory.status(of: form.place.sidecar, in: folder.descriptor, shown: shown), sidecar.isPlain
    else { return nil }
    guard unlinkat(folder.descriptor, form.place.sidecar, 0) == 0 || errno == ENOENT else {
      throw .system("removing the sidecar of", shown, errno)
    }
    try folder.sync()
    return RemovedFile(
      name: key.logID + "….json", size: sidecar.size, reason: "a sidecar that its file did not follow")
  }

  private func gzipIndex(
    _ name: String, in folder: CInt, upTo limit: Int64, shown: String
  ) throws(SinkFailure) -> GzipIndex {
    let file = uninterrupted { sluice_open_beneath(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0) }
    guard file >= 0 else { throw .system("opening", shown, errno) }
    defer { close(file) }
    return try GzipIndex.read(file, upTo: limit, shown: shown)
  }
}

extension StoreDirectory {
  /// Removes all unfinished files but those of these names, and the store's mark.
  ///
  /// - Returns: what was removed, but for what the gateway itself leaves and no upload has bytes in.
  func sweepPartial(keeping kept: Set<String>) throws(SinkFailure) -> [RemovedFile] {
    var removed: [RemovedFile] = []
    for name in try Self.names(in: partial, shown: partialPath) where !kept.contains(name) && name != StoreMark.name {
      let status = try? status(of: name, in: partial, shown: partialPath)
      if unlinkat(partial, name, 0) == 0 {
        removed.append(Self.removed(name, size: status?.size ?? 0))
        continue
      }
      // No sink makes folders: it is not the gateway's, and does not harm it.
      if errno == ENOENT || errno == EISDIR { continue }
      throw .system("removing an abandoned upload in", partialPath, errno)
    }
    try syncPartial()
    return removed
  }

  private static func removed(_ name: String, size: Int64) -> RemovedFile {
    // A key is a secret, also that of an upload which is none any more.
    let shown = name.count > 12 ? name.prefix(12) + "…" : name[...]
    let reason =
      if UploadKey(name) != nil {
        "the ledger has no unfinished upload of that key"
      } else if name.hasSuffix(".json") {
        "a sidecar that was never placed"
      } else {
        "no upload is called so"
      }
    return RemovedFile(name: String(shown), size: size, reason: reason)
  }
}

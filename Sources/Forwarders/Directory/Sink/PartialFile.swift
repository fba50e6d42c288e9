internal import CLinux
internal import GatewayCore
internal import Glibc
internal import NIOCore

/// The file of one unfinished upload: the blocking half of a ``DirectorySink``, run on store threads.
///
/// `@unchecked Sendable`, because its sink keeps order and no lock is needed. At most one *serial* job (open, write,
/// flush, inspect, publish, let go, remove) runs at a time, and each is handed over through the thread pool's queue and the
/// event loop's, which order memory. Besides it at most one `sync` runs; it reads `descriptor`, which changes only in serial
/// jobs that the sink runs alone (open, publish, let go, remove), and `isNameSafe`, which belongs to syncs and those.
final class PartialFile: @unchecked Sendable {
  /// The most that one job reads back to look at, in bytes, so that others' jobs are not held up.
  static let inspectionSlice: Int64 = 8 << 20

  let store: DirectoryStore
  let upload: SinkUpload
  /// Filled by the sink while no serial job runs, and emptied by ``write()``.
  var batch: [ByteBuffer] = []
  /// In place of ``batch``, where the file's bytes are compressed.
  var compressed: [MemberPiece] = []

  /// In place of both, where they come from a part. Kept until the next part, or the end.
  var slice: PartSlice?
  private var part: PartReader?

  private(set) var descriptor: CInt = -1
  let body: any FileBody
  /// The same, where its bytes are compressed.
  private let gzip: GzipBody?
  private let engine: CompressionEngine?
  /// Compresses what was begun so, where nothing is compressed that begins now.
  private static let engineOtherwise = CompressionEngine.zlib(level: 6)
  let inspection: Inspection
  private var ahead: SpaceAhead
  /// The file's name survives a power cut.
  private var isNameSafe: Bool
  /// What was computed of the whole.
  var digest: ContentDigest?
  /// The whole is durable, but for its final name.
  var isSynced = false
  /// Its sidecar has its place, which its file did not get.
  var isSidecarLeft = false

  /// Whether it is put aside where it would be removed.
  var isPutAside = false

  /// How the ledger says that it is kept.
  let form: StoredForm
  /// Why it cannot be opened at all.
  private let fault: SinkFailure?
  /// The folders that it is in, also where the store has others since.
  let directory: StoreDirectory
  /// Of the open file.
  private var inode: UInt = 0

  var written: Int64 { body.written }
  var place: String { directory.partialPlace(upload.key) }

  init(store: DirectoryStore, upload: SinkUpload, offset: Int64) {
    self.store = store
    self.upload = upload
    let settings = store.settings
    directory = store.directory
    let facts = upload.facts
    do throws(SinkFailure) {
      form = try settings.form(upload.state, of: facts)
      fault = nil
    } catch {
      form = settings.form(ofNew: facts)
      fault = error
    }
    engine = form.isCompressed ? settings.engine ?? Self.engineOtherwise : nil
    gzip = engine.map {
      GzipBody(offset: offset, engine: $0, writers: store.threads.idleWriters, isDirect: settings.isDirect)
    }
    body = gzip ?? PlainBody(offset: offset, isDirect: settings.isDirect)
    ahead = SpaceAhead(total: gzip == nil ? upload.facts.total : nil)
    inspection = Inspection(
      digests: upload.facts.role != .part && (upload.facts.digest != nil || upload.transfer.digest == .wanted)
        || form.hasSidecar,
      // A part of a text need not be one.
      checked: settings.checksContent && upload.facts.role != .part ? upload.facts.format : nil)
    // Bytes were called safe before, and that makes the name safe first.
    isNameSafe = offset > 0
  }

  /// What the sink gives the upload's bytes to where they are compressed; `nil` where they are not.
  func makeGzipJobs() -> GzipJobs? {
    engine.map {
      let scheduler = GzipScheduler(from: written, memberSize: store.memberSize, limit: store.threads.cores)
      return GzipJobs(scheduler, engine: $0, threads: store.threads)
    }
  }

  deinit {
    closeFile()
  }

  private var progress: Progress {
    Progress(
      written: body.written, flushed: body.flushed, flushable: body.flushable,
      isInspectionBehind: inspection.isNeeded && inspection.offset < body.flushable,
      isInspectionHeldUp: inspection.isNeeded && inspection.offset == body.flushable && body.flushable < body.written)
  }

  // MARK: Opening

  /// Opens the file, new for offset 0, and cuts what lies beyond the offset.
  func open() throws(SinkFailure) -> Progress {
    if let fault { throw fault }
    descriptor = written == 0 ? try openNew() : try openExisting()
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("looking at", place, errno) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
      throw .storage("\(place) is not a plain file with one name; something else has put it there")
    }
    inode = UInt(status.st_ino)
    if !form.isRecorded, !form.isCompressed, written > 0,
      try GzipIndex.read(descriptor, upTo: written, shown: place).rawSize == written
    {
      throw .storage("\(place) cannot go on: \(DirectoryStore.doubt)")
    }
    let size = Int64(status.st_size)
    let kept = try body.open(OpenFile(descriptor: descriptor, place: place), size: size)
    if size > kept, uninterrupted({ ftruncate(descriptor, Int(kept)) }) != 0 {
      throw .system("cutting at \(kept) bytes", place, errno)
    }
    // What lay beyond the offset is gone.
    if written > 0 { store.space.found(written, of: upload.key, by: upload.client.subject) }
    return progress
  }

  private static let openFlags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK

  private func openNew() throws(SinkFailure) -> CInt {
    let file = openPartial(Self.openFlags | O_CREAT | O_EXCL)
    if file >= 0 { return file }
    // A connection that died before its first checkpoint may have left a file. It is cut like every other.
    guard errno == EEXIST else { throw .system("making", place, errno) }
    return try openExisting()
  }

  private func openExisting() throws(SinkFailure) -> CInt {
    let file = openPartial(Self.openFlags)
    if file >= 0 { return file }
    let code = errno
    switch code {
    case ELOOP:
      throw .system("opening", place, code, advice: "a symbolic link is in the file's place and is not followed")
    case ENOENT: throw .system("opening", place, code, advice: "the ledger says \(written) bytes")
    default: throw .system("opening", place, code)
    }
  }

  private func openPartial(_ flags: CInt) -> CInt {
    uninterrupted { sluice_open_beneath(directory.partial, upload.key.text, flags, 0o600) }
  }

  // MARK: Writing

  /// Writes the batch and lets go of its memory.
  func write() throws(SinkFailure) -> Progress {
    defer {
      batch.removeAll(keepingCapacity: true)
      compressed.removeAll()
    }
    let before = body.written
    try takeSpace()
    if let gzip, !compressed.isEmpty {
      try gzip.append(compressed)
      for piece in compressed { batch += piece.takeBytes() }
    } else {
      try body.write(batch)
    }
    store.space.wrote(body.written - before, of: upload.key)
    if inspection.isNeeded, inspection.offset == before {
      for buffer in batch {
        try buffer.withUnsafeReadableBytes { bytes throws(SinkFailure) in try inspection.take(bytes) }
      }
    }
    return progress
  }

  /// Copies the slice.
  func copy() throws(SinkFailure) -> Progress {
    guard let slice else { return progress }
    self.slice = nil
    let count = Int64(slice.range.count)
    let before = body.written
    _ = try store.space.space(for: count)
    try body.copy(count, of: try reader(of: slice))
    store.space.wrote(body.written - before, of: upload.key)
    return progress
  }

  private func reader(of slice: PartSlice) throws(SinkFailure) -> PartReader {
    if let part, part.key == slice.part.key, part.offset == slice.range.lowerBound { return part }
    let form = try store.settings.form(slice.part.state, of: slice.part.facts)
    let part = try PartReader(
      slice.part.key, kept: form, in: directory, from: slice.range.lowerBound,
      end: slice.part.facts.total ?? slice.range.upperBound)
    self.part = part
    return part
  }

  /// Sees to it that the disk has space for what is about to be written.
  private func takeSpace() throws(SinkFailure) {
    let output = compressed.lazy.flatMap(\.output)
    let count = (compressed.isEmpty ? batch : Array(output)).reduce(0) { $0 + Int64($1.readableBytes) }
    let written = body.written
    guard count > 0, ahead.isExceeded(by: written + count) else { return }
    let most = min(try store.space.space(for: count), store.space.outstanding(of: upload.key))
    let step = ahead.step(from: written, to: written + count, most: most)
    if ahead.extend(descriptor, from: written, by: step) { store.space.setAside(step, of: upload.key) }
  }

  /// Brings everything that can be flushed to where a sync makes it safe.
  func flush() throws(SinkFailure) -> Progress {
    try body.flush()
    return progress
  }

  /// Reads back the next bytes that were not looked at: those from before this connection, and those that came while
  /// they were read.
  func inspectNextSlice() throws(SinkFailure) -> Progress {
    let end = min(body.flushable, inspection.offset + Self.inspectionSlice)
    while inspection.offset < end {
      // What was written last cannot be read back yet.
      if inspection.offset == body.flushed { try body.flush() }
      try body.read(from: inspection.offset) { bytes throws(SinkFailure) in try inspection.take(bytes) }
    }
    return progress
  }

  /// What is to be checked before it gets its final name.
  var toCheck: FileToCheck {
    FileToCheck(
      path: directory.partialPath + "/" + upload.key.text, facts: upload.facts, size: written,
      isCompressed: form.isCompressed)
  }

  // MARK: Making safe

  /// Makes durable what the kernel has: the bytes, and the file's name if it is new.
  func sync() throws(SinkFailure) {
    guard store.observer.timingSync({ uninterrupted { fdatasync(descriptor) } }) == 0 else {
      throw .system("syncing", place, errno)
    }
    if !isNameSafe {
      try directory.syncPartial()
      isNameSafe = true
    }
    try checkName()
  }

  /// What is not where the next start would look for it is not safe, however often it was synced.
  private func checkName() throws(SinkFailure) {
    try store.place.check(directory)
    var status = stat()
    guard fstatat(directory.partial, upload.key.text, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw .system("looking for", place, errno, advice: "something else has removed it")
    }
    guard UInt(status.st_ino) == inode else {
      throw .storage("\(place) is another file than the one that is being written; something else has replaced it")
    }
  }

  /// Makes safe what was written, closes, and keeps the file, but no space beyond it, set aside or reserved.
  func letGo(syncing: Bool) throws(SinkFailure) {
    defer {
      if descriptor >= 0 { ahead.giveBack(descriptor) }
      closeFile()
      store.space.release(upload.key)
    }
    guard syncing else { return }
    try body.flush()
    try sync()
  }

  /// Closes and removes the file.
  func remove() throws(SinkFailure) {
    closeFile()
    store.space.forget(upload.key)
    store.book.forget(upload.key)
    if isPutAside { try directory.putAside(upload.key) }
    try directory.removePartial(upload.key)
    if isSidecarLeft, let folder = try directory.folder(of: form.place) {
      unlinkat(folder.descriptor, form.place.sidecar, 0)
    }
  }

  func closeFile() {
    body.close()
    part = nil
    guard descriptor >= 0 else { return }
    // What matters was synced before; Linux has closed it even where it says otherwise.
    close(descriptor)
    descriptor = -1
  }
}

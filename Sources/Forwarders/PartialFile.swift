internal import CLinux
internal import ContentDigests
internal import GatewayCore
internal import Glibc
internal import NIOCore

/// The file of one unfinished upload: the blocking half of a ``DirectorySink``, run on store threads.
///
/// `@unchecked Sendable`, because its sink keeps order and no lock is needed. At most one job of the *lane* (open, write,
/// hash, publish, let go, remove) runs at a time, and each is handed over through the thread pool's queue and the event
/// loop's, which order memory. Besides it at most one `sync` runs; it reads `descriptor`, which changes only in lane jobs
/// that the sink runs alone (open, publish, let go, remove), and `isNameSafe`, which belongs to syncs and those.
final class PartialFile: @unchecked Sendable {
  /// What a lane job left.
  struct Progress: Sendable {
    /// The kernel has the bytes before this offset.
    var written: Int64
    /// The digest does not cover all of them yet.
    var isHashBehind: Bool
  }

  /// The most that one job reads back for the digest, in bytes, so that others' jobs are not held up.
  static let hashSlice: Int64 = 8 << 20
  /// The kernel is told to start writing after this many bytes, so that the last sync finds little left to do.
  static let writeBackStep: Int64 = 8 << 20

  let directory: StoreDirectory
  let upload: SinkUpload
  /// Filled by the sink while no lane job runs, and emptied by ``write()``.
  var batch: [ByteBuffer] = []

  private(set) var descriptor: CInt = -1
  private(set) var written: Int64
  private let hasher: SHA256Hasher?
  private var hashed: Int64 = 0
  private var writeBackFrom: Int64
  /// The file's name survives a power cut.
  private var isNameSafe: Bool

  var place: String { directory.partialPlace(upload.key) }

  init(directory: StoreDirectory, upload: SinkUpload, offset: Int64) {
    self.directory = directory
    self.upload = upload
    written = offset
    writeBackFrom = offset
    // Bytes were called safe before, and that makes the name safe first.
    isNameSafe = offset > 0
    hasher = upload.digest == nil ? nil : SHA256Hasher()
  }

  deinit {
    closeFile()
  }

  private var progress: Progress {
    Progress(written: written, isHashBehind: upload.digest != nil && hashed < written)
  }

  // MARK: Opening

  /// Opens the file, new for offset 0, and cuts what lies beyond the offset.
  func open() throws(SinkFailure) -> Progress {
    descriptor = written == 0 ? try openNew() : try openExisting()
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("looking at", place, errno) }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1 else {
      throw .storage("\(place) is not a plain file with one name; something else has put it there")
    }
    let size = Int64(status.st_size)
    guard size >= written else {
      throw .storage("\(place) is too short to go on: the ledger says \(written) bytes, the file has \(size)")
    }
    if size > written, uninterrupted({ ftruncate(descriptor, Int(written)) }) != 0 {
      throw .system("cutting at \(written) bytes", place, errno)
    }
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
    uninterrupted { openat(directory.partial, upload.key.text, flags, 0o600) }
  }

  // MARK: Writing

  /// Writes the batch and lets go of its memory.
  func write() throws(SinkFailure) -> Progress {
    defer { batch.removeAll(keepingCapacity: true) }
    let count = batch.reduce(0) { $0 + Int64($1.readableBytes) }
    let code = VectoredWrite.write(batch, to: descriptor, at: written)
    guard code == 0 else { throw .system("writing \(count) bytes at \(written) of", place, code) }
    if let hasher, hashed == written {
      for buffer in batch { hasher.update(buffer) }
      hashed += count
    }
    written += count
    if written - writeBackFrom >= Self.writeBackStep {
      // Advice to the kernel; a failure of the disk is still reported by the sync that follows.
      _ = sluice_begin_write_back(descriptor, writeBackFrom, written - writeBackFrom)
      writeBackFrom = written
    }
    return progress
  }

  /// Reads back the next bytes that the digest does not cover: those from before this connection, and those that came
  /// while they were read.
  func hashNextSlice() throws(SinkFailure) -> Progress {
    let end = min(written, hashed + Self.hashSlice)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    while hashed < end {
      let wanted = min(buffer.count, Int(end - hashed))
      let count = uninterrupted { pread(descriptor, buffer.baseAddress, wanted, Int(hashed)) }
      guard count >= 0 else { throw .system("reading back \(wanted) bytes at \(hashed) of", place, errno) }
      guard count > 0 else {
        throw .storage("\(place) ends at \(hashed) of the \(written) bytes that were written to it")
      }
      hasher?.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      hashed += Int64(count)
    }
    return progress
  }

  // MARK: Making safe

  /// Makes durable what the kernel has: the bytes, and the file's name if it is new.
  func sync() throws(SinkFailure) {
    guard uninterrupted({ fdatasync(descriptor) }) == 0 else { throw .system("syncing", place, errno) }
    if !isNameSafe {
      try directory.syncPartial()
      isNameSafe = true
    }
  }

  /// Makes safe what was written, closes, and keeps the file.
  func letGo(syncing: Bool) throws(SinkFailure) {
    defer { closeFile() }
    if syncing { try sync() }
  }

  /// Closes and removes the file.
  func remove() throws(SinkFailure) {
    closeFile()
    try directory.removePartial(upload.key)
  }

  /// Compares the digest and gives the file its final place, durably. After a failure it is where it was.
  func publish() throws(SinkFailure) -> ContentDigest? {
    if let total = upload.total, total != written {
      throw .storage("\(place) was to be finished with \(written) bytes, and \(total) were announced")
    }
    let computed = try compareDigest()
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system("looking at", place, errno) }
    guard Int64(status.st_size) == written else {
      throw .storage("\(place) has \(status.st_size) bytes where \(written) were written; something else changed it")
    }
    // The mode first, so that the sync covers it too.
    guard fchmod(descriptor, 0o640) == 0 else { throw .system("setting the mode of", place, errno) }
    guard uninterrupted({ fsync(descriptor) }) == 0 else { throw .system("syncing", place, errno) }
    try moveIntoPlace()
    closeFile()
    return computed
  }

  private func compareDigest() throws(SinkFailure) -> ContentDigest? {
    guard let announced = upload.digest else { return nil }
    guard let bytes = hasher?.finish(), let computed = ContentDigest(bytes: bytes) else {
      throw .storage("the digest of \(place) could not be computed")
    }
    guard computed == announced else { throw .digest(computed: computed) }
    return computed
  }

  private func moveIntoPlace() throws(SinkFailure) {
    let name = upload.key.text
    let code = StoreDirectory.moveNew(name, from: directory.partial, to: directory.complete)
    guard code == 0 else {
      throw .system("moving \(place) to", directory.completePlace(upload.key), code)
    }
    do throws(SinkFailure) {
      try directory.syncComplete()
      try directory.syncPartial()
    } catch {
      // Unfinished bytes must not stay under a final name, and a later sink must find them.
      _ = StoreDirectory.moveNew(name, from: directory.complete, to: directory.partial)
      throw error
    }
  }

  private func closeFile() {
    guard descriptor >= 0 else { return }
    // What matters was synced before; Linux has closed it even where it says otherwise.
    close(descriptor)
    descriptor = -1
  }
}

import GatewayCore

/// A database's write-ahead log as a file (sqlite.org/walformat.html): what SQLite itself has no call for.
struct WriteAheadLog {
  private static let headerSize = 32
  private static let frameHeaderSize = 24
  /// Bytes of frames that are read, looked at and written at once, but for the last of them: SQLite takes less than 128 KiB.
  private static let step = 65536

  private let database: Database

  init(of database: Database) {
    self.database = database
  }

  /// Makes all that is committed survive a power cut, where no write of the log has failed before.
  func sync() throws(LedgerError) {
    try EngineFile(.log, of: database).sync()
  }

  /// Writes all that is committed and in the log to the disk once more, as it stands in memory, and ends the log there.
  ///
  /// After a failed write or sync the system calls pages clean that never came to the disk (fsync(2) tells each open
  /// file once), so another sync proves nothing: the disk may have a hole at which recovery would stop. To move such a
  /// log into the database would be worse than to leave it, as a power cut in the middle finds a database that is
  /// half new and a log that cannot complete it. So the log comes first:
  ///
  /// 1. With the write lock held, so that nobody adds to the log or begins it anew, each frame is read, held against
  ///    the running checksum, whose end SQLite's shared memory knows, and written to its own place. A power cut
  ///    meanwhile finds what it would have found before: every byte is the old one or the one that was meant.
  /// 2. Behind the last frame that is committed, a frame's header is zeroed. A transaction whose commit failed may lie
  ///    there whole, and a power cut would bring back what its callers were told did not happen.
  /// 3. The sync that follows was given every page by itself: where it succeeds the disk has the log, and a power cut
  ///    at any later moment finds it there until SQLite has synced the database and begins it anew.
  /// 4. What SQLite remembers of pages moved already is taken back. It counts some before the database is synced
  ///    (those of a checkpoint that a reader cuts short), and the sync that failed may have been theirs.
  ///
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``; the log is then as good as before.
  func makeWhole() throws(LedgerError) {
    try database.execute("BEGIN IMMEDIATE")
    do throws(LedgerError) {
      let log = try EngineFile(.log, of: database)
      let main = try EngineFile(.database, of: database)
      let index = SharedIndex(try main.sharedMemory())
      let size = try log.size
      if size > 0 {
        // Hears of what is past, so that the sync below tells of itself alone.
        try? log.sync()
        try rewrite(log, index)
        try end(log, behind: index.frames, pageSize: index.pageSize, size: size)
        try log.sync()
      }
      try main.withoutCheckpoints { index.forgetWhatWasMoved() }
    } catch {
      try? database.execute("ROLLBACK")
      throw error
    }
    try database.execute("ROLLBACK")
  }

  private func rewrite(_ log: EngineFile, _ index: SharedIndex) throws(LedgerError) {
    guard index.frames > 0 else { return }
    let frameSize = Self.frameHeaderSize + index.pageSize
    let step = (Self.step + frameSize - 1) / frameSize
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: step * frameSize, alignment: 8)
    defer { buffer.deallocate() }
    let header = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Self.headerSize])
    try log.read(into: header, at: 0)
    let magic = header.load(as: UInt32.self).bigEndian
    var checksum = LogChecksum(isBigEndian: magic & 1 == 1)
    checksum.add(UnsafeRawBufferPointer(rebasing: header[..<24]))
    guard magic & ~1 == 0x377f_0682, checksum.isStored(in: UnsafeRawBufferPointer(header)[24...]),
      index.hasSalts(of: UnsafeRawBufferPointer(header)[16..<24])
    else { throw Self.lost }
    let salts = header.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
    try log.write(UnsafeRawBufferPointer(header), at: 0)
    for first in stride(from: 0, to: index.frames, by: step) {
      let count = min(step, index.frames - first)
      let offset = Int64(Self.headerSize) + Int64(first) * Int64(frameSize)
      let frames = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(count * frameSize)])
      try log.read(into: frames, at: offset)
      for start in stride(from: 0, to: frames.count, by: frameSize) {
        let frame = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(frames)[start..<(start + frameSize)])
        checksum.add(UnsafeRawBufferPointer(rebasing: frame[..<8]))
        checksum.add(UnsafeRawBufferPointer(rebasing: frame[Self.frameHeaderSize...]))
        guard frame.loadUnaligned(fromByteOffset: 8, as: UInt64.self) == salts, checksum.isStored(in: frame[16..<24])
        else { throw Self.lost }
      }
      try log.write(UnsafeRawBufferPointer(frames), at: offset)
    }
    guard index.hasChecksum(checksum) else { throw Self.lost }
  }

  private func end(_ log: EngineFile, behind frames: Int, pageSize: Int, size: Int64) throws(LedgerError) {
    let offset = Int64(Self.headerSize) + Int64(frames) * Int64(Self.frameHeaderSize + pageSize)
    guard size > offset else { return }
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.frameHeaderSize, alignment: 8)
    defer { zeros.deallocate() }
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    try log.write(UnsafeRawBufferPointer(zeros), at: offset)
  }

  private static let lost = LedgerError.engine(
    "the system no longer has what it could not write of the log: restart the gateway, which then has what the disk has"
  )
}

/// What SQLite's connections share about the log (sqlite.org/walformat.html, "The WAL-Index File Format").
private struct SharedIndex {
  private let memory: UnsafeMutableRawPointer
  /// Committed and in the log.
  let frames: Int
  let pageSize: Int

  init(_ memory: UnsafeMutableRawPointer) {
    self.memory = memory
    frames = Int(memory.load(fromByteOffset: 16, as: UInt32.self))
    let size = Int(memory.load(fromByteOffset: 14, as: UInt16.self))
    pageSize = size == 1 ? 65536 : size
  }

  func hasSalts(of header: UnsafeRawBufferPointer.SubSequence) -> Bool {
    UnsafeRawBufferPointer(rebasing: header).loadUnaligned(as: UInt64.self)
      == memory.loadUnaligned(fromByteOffset: 32, as: UInt64.self)
  }

  func hasChecksum(_ checksum: LogChecksum) -> Bool {
    memory.load(fromByteOffset: 24, as: UInt32.self) == checksum.first
      && memory.load(fromByteOffset: 28, as: UInt32.self) == checksum.second
  }

  /// `nBackfill`.
  func forgetWhatWasMoved() {
    memory.storeBytes(of: 0, toByteOffset: 96, as: UInt32.self)
  }
}

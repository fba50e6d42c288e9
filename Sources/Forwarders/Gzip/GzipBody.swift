internal import GatewayCore
internal import Glibc
internal import NIOCore

/// A gzip file of many members (docs/gzip.md). Members that are in one batch are squeezed at the same time.
final class GzipBody: FileBody {
  /// One member's part of a batch.
  private struct Piece: Sendable {
    var writer: MemberWriter
    var bytes: [ByteBuffer]
    var endsMember: Bool
    let fault = PieceFault()
  }

  private(set) var written: Int64
  private(set) var sealed: Int64
  /// Where the next byte goes in the file.
  private(set) var fileSize: Int64 = 0
  private let isDirect: Bool
  private let engine: CompressionEngine
  private let threads: StoreThreads
  private var file = OpenFile(descriptor: -1, place: "")
  private var blocks: BlockFile?
  /// The member that may grow, and its place in the file.
  private var current: (writer: MemberWriter, place: Int64)?
  /// Where the next reading begins, in the upload and in the file.
  private var reading: (offset: Int64, place: Int64) = (0, 0)

  /// - Parameter isDirect: whether the page cache may be passed by.
  init(offset: Int64, engine: CompressionEngine, threads: StoreThreads, isDirect: Bool) {
    self.isDirect = isDirect
    written = offset
    sealed = offset
    self.engine = engine
    self.threads = threads
  }

  func open(_ file: OpenFile, size: Int64) throws(SinkFailure) -> Int64 {
    self.file = file
    if written > 0 {
      let index = try GzipIndex.read(file.descriptor, upTo: written, shown: file.place)
      guard index.rawSize >= written else {
        throw .storage(
          "\(file.place) is too short to go on: the ledger says \(written) bytes, the file has \(index.rawSize)")
      }
      guard index.rawSize == written else {
        throw .storage("\(file.place) cannot go on at \(written): no member ends there; something else changed it")
      }
      fileSize = index.fileSize
    }
    blocks = BlockFile(file, at: fileSize, isDirect: isDirect)
    return fileSize
  }

  // MARK: Writing

  func write(_ batch: [ByteBuffer]) throws(SinkFailure) {
    let pieces = try cut(batch)
    ParallelWork.run(pieces, helpers: threads.cores - 1, threads: threads) { piece in
      do throws(CompressionFault) {
        try piece.writer.add(piece.bytes)
        if piece.endsMember { try piece.writer.end() }
      } catch {
        piece.fault.code = error.code
      }
    }
    for piece in pieces {
      if let code = piece.fault.code { throw failure(code) }
    }
    try append(pieces.map(\.writer))
    written += batch.reduce(0) { $0 + Int64($1.readableBytes) }
  }

  func seal() throws(SinkFailure) {
    guard let writer = current?.writer else { return }
    try end(writer)
  }

  func finish() throws(SinkFailure) {
    try seal()
    // A file of no bytes is no gzip file.
    if fileSize == 0 { try end(try makeWriter(at: 0)) }
  }

  private func end(_ writer: MemberWriter) throws(SinkFailure) {
    do throws(CompressionFault) {
      try writer.end()
    } catch {
      throw failure(error.code)
    }
    try append([writer])
  }

  /// Divides a batch among the member that may grow and new ones.
  private func cut(_ batch: [ByteBuffer]) throws(SinkFailure) -> [Piece] {
    var pieces: [Piece] = []
    var offset = written
    var writer = current?.writer
    var bytes: [ByteBuffer] = []
    // Raw bytes that still fit into the member.
    var room = MemberHeader.rawBorder - (writer?.rawSize ?? 0)
    for var buffer in batch {
      while buffer.readableBytes > 0, let part = buffer.readSlice(length: min(room, buffer.readableBytes)) {
        let target = if let writer { writer } else { try makeWriter(at: offset) }
        writer = target
        bytes.append(part)
        offset += Int64(part.readableBytes)
        room -= part.readableBytes
        if room == 0 {
          pieces.append(Piece(writer: target, bytes: bytes, endsMember: true))
          (writer, bytes, room) = (nil, [], MemberHeader.rawBorder)
        }
      }
    }
    if let writer, !bytes.isEmpty { pieces.append(Piece(writer: writer, bytes: bytes, endsMember: false)) }
    return pieces
  }

  private func makeWriter(at offset: Int64) throws(SinkFailure) -> MemberWriter {
    do throws(CompressionFault) {
      return try threads.idleWriters.take(engine, rawOffset: offset)
    } catch {
      throw failure(error.code)
    }
  }

  /// Writes what came of members, in order, and the header of one that was begun before and has ended now.
  private func append(_ writers: [MemberWriter]) throws(SinkFailure) {
    var outputs: [ByteBuffer] = []
    var place = fileSize
    var header: (bytes: ByteBuffer, place: Int64)?
    for writer in writers {
      let begin = writer.isHeaderWritten ? current?.place ?? place : place
      if writer.isEnded, writer.isHeaderWritten { header = (writer.header.bytes, begin) }
      for output in writer.takeOutput() {
        place += Int64(output.readableBytes)
        outputs.append(output)
      }
      current = writer.isEnded ? nil : (writer, begin)
    }
    try blocks?.append(outputs)
    try blocks?.seal()
    if let header { try blocks?.overwrite(header.bytes, at: header.place) }
    fileSize = place
    outputs.removeAll()
    if let last = writers.last { sealed = current?.writer.rawOffset ?? last.rawOffset + Int64(last.rawSize) }
    for writer in writers where writer.isEnded { threads.idleWriters.giveBack(writer, of: engine) }
  }

  private func failure(_ code: CInt) -> SinkFailure {
    .storage("squeezing for \(file.place) failed with code \(code) of the library; it is short of memory")
  }

  // MARK: Reading back

  func close() {
    blocks?.close()
  }

  func read(
    from offset: Int64, _ take: (UnsafeRawBufferPointer) throws(SinkFailure) -> Void
  ) throws(SinkFailure) {
    precondition(offset == reading.offset, "bytes are read back in order")
    let member = try MemberReader.read(
      file, at: reading.place, rawOffset: offset)
    reading = (offset + Int64(member.bytes.readableBytes), reading.place + member.size)
    try member.bytes.withUnsafeReadableBytes { bytes throws(SinkFailure) in try take(bytes) }
  }

  /// What went wrong with a piece.
  ///
  /// `@unchecked Sendable`, because one thread has the piece at a time, as with its ``MemberWriter``.
  private final class PieceFault: @unchecked Sendable {
    var code: CInt?
  }
}

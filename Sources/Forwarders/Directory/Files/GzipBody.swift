internal import GatewayCore
internal import Glibc
internal import NIOCore

/// A gzip file of many members (docs/gzip.md), which others compress: ``GzipScheduler`` says in which pieces.
final class GzipBody: FileBody {
  private(set) var written: Int64
  private(set) var flushed: Int64
  /// The end of the last member that has ended.
  private(set) var flushable: Int64
  /// Where the next byte goes in the file.
  private(set) var fileSize: Int64 = 0
  private let isDirect: Bool
  private let engine: CompressionEngine
  private let writers: IdleWriters
  private var file = OpenFile(descriptor: -1, place: "")
  private var blocks: BlockFile?
  /// Where the next reading begins, in the upload and in the file.
  private var reading: (offset: Int64, place: Int64) = (0, 0)

  /// - Parameter isDirect: whether the page cache may be passed by.
  init(offset: Int64, engine: CompressionEngine, writers: IdleWriters, isDirect: Bool) {
    self.isDirect = isDirect
    written = offset
    flushed = offset
    flushable = offset
    self.engine = engine
    self.writers = writers
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

  /// Compresses and writes what is little, as one member: nothing goes on in it.
  func write(_ batch: [ByteBuffer]) throws(SinkFailure) {
    let count = batch.reduce(0) { $0 + Int64($1.readableBytes) }
    try appendMember(of: batch, count: count)
  }

  /// Writes what came of pieces, in order; they are compressed.
  func append(_ pieces: [MemberPiece]) throws(SinkFailure) {
    var place = fileSize
    var outputs: [ByteBuffer] = []
    for piece in pieces {
      if piece.beginsMember { piece.member.place = place }
      for output in piece.output {
        place += Int64(output.readableBytes)
        outputs.append(output)
      }
    }
    try blocks?.append(outputs)
    for piece in pieces {
      if let header = piece.header { try blocks?.overwrite(header, at: piece.member.place) }
      written = piece.end
      if piece.endsMember { flushable = piece.end }
    }
    fileSize = place
    // Memory that nobody else has is used again by the next member.
    outputs.removeAll()
    for piece in pieces { piece.written(by: engine, writers) }
  }

  /// Whole members are copied as they are, with the upload's own offset in their headers (docs/gzip.md): nothing is
  /// compressed again. Whatever is not one becomes one.
  func copy(_ count: Int64, of part: PartReader) throws(SinkFailure) {
    let end = written + count
    while written < end {
      if let member = try part.readMember(atMost: end - written, rawOffset: written) {
        try blocks?.append([member.bytes])
        written += member.rawSize
        fileSize += Int64(member.bytes.readableBytes)
        flushable = written
      } else {
        let bytes = try part.read(atMost: end - written)
        try appendMember(of: [bytes], count: Int64(bytes.readableBytes))
      }
    }
  }

  func flush() throws(SinkFailure) {
    try blocks?.flush()
    flushed = flushable
  }

  func finish() throws(SinkFailure) {
    // A file of no bytes is no gzip file.
    if fileSize == 0 { try appendMember(of: [], count: 0) }
    try flush()
  }

  private func appendMember(of bytes: [ByteBuffer], count: Int64) throws(SinkFailure) {
    let piece = MemberPiece(
      of: Member(rawOffset: written), bytes: bytes, beginsMember: true, endsMember: true, end: written + count)
    do throws(CompressionFault) {
      try piece.compress(by: engine, writers)
    } catch {
      throw .compressing(file.place, error)
    }
    try append([piece])
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
}

extension SinkFailure {
  static func compressing(_ place: String, _ fault: CompressionFault) -> SinkFailure {
    .storage("compressing for \(place) failed with code \(fault.code) of the library; it is short of memory")
  }
}

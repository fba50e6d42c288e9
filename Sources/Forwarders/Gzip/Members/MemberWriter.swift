internal import NIOCore

/// One member on its way into the file: a deflate stream, partly compressed and partly stored, with header and trailer.
///
/// `@unchecked Sendable`, because it is used by one thread at a time: that which compresses a ``MemberPiece``.
final class MemberWriter: @unchecked Sendable {
  /// What becomes of the bytes that come next.
  private enum Way {
    case compressed, stored
  }

  /// After so many raw bytes of a member the way is chosen anew.
  static let stretch = 128 << 10

  private(set) var rawOffset: Int64
  /// Raw bytes that it was given.
  private(set) var rawSize = 0
  /// Of the whole member, once it has ended; before, what was made of it so far. In bytes.
  private(set) var size = 0
  private(set) var isEnded = false

  private let deflater: any Deflater
  /// What was made and not yet written to the file.
  private var output = MemberOutput()
  private var stored = StoredBlocks()
  private var checksum = GzipChecksum()
  private var way: Way?

  init(rawOffset: Int64, deflater: any Deflater) {
    self.rawOffset = rawOffset
    self.deflater = deflater
  }

  /// Begins another member, whose predecessor has been written to the file.
  func restart(rawOffset: Int64) {
    self.rawOffset = rawOffset
    (rawSize, size, isEnded, way) = (0, 0, false, nil)
    output.restart()
    stored = StoredBlocks()
    checksum = GzipChecksum()
  }

  var header: MemberHeader {
    MemberHeader(
      memberSize: isEnded ? UInt32(size) : 0, rawSize: isEnded ? UInt32(rawSize) : 0, rawOffset: UInt64(rawOffset))
  }

  /// Begun in an earlier batch, so that its header is in the file already.
  var isHeaderWritten: Bool { size > output.count }

  /// Takes the member's next bytes. Nothing of their memory is held once what came of them is taken and let go.
  func add(_ buffers: [ByteBuffer]) throws(CompressionFault) {
    let before = output.count
    writeHeader()
    for (index, buffer) in buffers.enumerated() {
      var rest = buffer
      while rest.readableBytes > 0 {
        let done = rawSize % Self.stretch
        if done == 0 { try choose(by: [rest] + buffers[(index + 1)...]) }
        guard let part = rest.readSlice(length: min(rest.readableBytes, Self.stretch - done)) else { break }
        try take(part)
      }
    }
    stored.keep()
    size += output.count - before
  }

  func end() throws(CompressionFault) {
    let before = output.count
    writeHeader()
    switch way {
    case .stored: stored.end(endsStream: true, to: &output)
    case .compressed: try deflater.end(endsStream: true, to: &output.bytes)
    case nil:
      try deflater.begin()
      try deflater.end(endsStream: true, to: &output.bytes)
    }
    output.bytes.writeInteger(checksum.value, endianness: .little)
    output.bytes.writeInteger(UInt32(truncatingIfNeeded: rawSize), endianness: .little)
    size += output.count - before
    isEnded = true
    if !isHeaderWritten { output.overwriteStart(header.bytes) }
  }

  /// What is to be written next; it is the caller's from then on.
  func takeOutput() -> [ByteBuffer] { output.take() }

  /// Before the first byte: the header's room, filled in when the sizes are known.
  private func writeHeader() {
    guard size == 0, output.count == 0 else { return }
    output.bytes.writeImmutableBuffer(header.bytes)
  }

  private func take(_ part: ByteBuffer) throws(CompressionFault) {
    rawSize += part.readableBytes
    try part.withUnsafeReadableBytes { bytes throws(CompressionFault) in
      checksum.add(bytes)
      if way == .compressed { try deflater.add(bytes, to: &output.bytes) }
    }
    if way == .stored { stored.add(part, to: &output) }
  }

  /// By a sample of what comes; where that is too short to tell, it goes on as before.
  private func choose(by next: [ByteBuffer]) throws(CompressionFault) {
    let chosen: Way =
      switch Redundancy.pays(in: next) {
      case true?: .compressed
      case false?: .stored
      case nil: way ?? .compressed
      }
    guard chosen != way else { return }
    switch way {
    case .compressed: try deflater.end(endsStream: false, to: &output.bytes)
    case .stored: stored.end(endsStream: false, to: &output)
    case nil: break
    }
    if chosen == .compressed { try deflater.begin() }
    way = chosen
  }
}

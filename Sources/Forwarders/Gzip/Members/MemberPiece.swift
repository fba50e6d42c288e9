internal import NIOCore

/// A member that is being made, piece by piece.
///
/// `@unchecked Sendable`, because its pieces are compressed one after another, and what a piece left behind is written only
/// when that is over: ``GzipScheduler`` keeps that order, and the hand-over by event loop and thread pool orders memory.
final class Member: @unchecked Sendable {
  /// Of its first byte in the upload.
  let rawOffset: Int64
  /// From its first piece's compressing on.
  fileprivate(set) var writer: MemberWriter?
  /// Of its header in the file, once its first piece is there. Belongs to who writes the file.
  var place: Int64 = 0

  init(rawOffset: Int64) {
    self.rawOffset = rawOffset
  }
}

/// A part of one member: the upload's bytes, and once it is compressed what goes into the file for them.
///
/// `@unchecked Sendable`, because one thread has it at a time: that which compresses it, and then that which writes it.
final class MemberPiece: @unchecked Sendable {
  let member: Member
  /// Of the upload; kept for those that look at them, until they are written.
  private(set) var bytes: [ByteBuffer]
  let beginsMember: Bool
  let endsMember: Bool
  /// Offset after its bytes in the upload.
  let end: Int64

  private(set) var output: [ByteBuffer] = []
  /// Replaces the header that was given out with an earlier piece.
  private(set) var header: ByteBuffer?

  init(of member: Member, bytes: [ByteBuffer], beginsMember: Bool, endsMember: Bool, end: Int64) {
    self.member = member
    self.bytes = bytes
    self.beginsMember = beginsMember
    self.endsMember = endsMember
    self.end = end
  }

  /// Makes ``output`` of the bytes; blocks for as long as that takes.
  func compress(by engine: CompressionEngine, _ writers: IdleWriters) throws(CompressionFault) {
    let writer = if let begun = member.writer { begun } else { try writers.take(engine, rawOffset: member.rawOffset) }
    member.writer = writer
    try writer.add(bytes)
    if endsMember {
      try writer.end()
      if !beginsMember { header = writer.header.bytes }
    }
    output = writer.takeOutput()
  }

  /// What there is of it is in the file.
  func written(by engine: CompressionEngine, _ writers: IdleWriters) {
    output = []
    guard endsMember, let writer = member.writer else { return }
    member.writer = nil
    writers.giveBack(writer, of: engine)
  }

  /// The upload's bytes are needed no more. A thread that goes on with other pieces has this one at hand for longer.
  func takeBytes() -> [ByteBuffer] {
    defer { bytes = [] }
    return bytes
  }
}

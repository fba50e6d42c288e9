/// Puts key updates together (RFC 8446, section 4.6.3), which may come in several records (section 5.1).
struct KeyUpdateReader {
  /// What some content of the handshake protocol led to.
  enum Taken: Equatable {
    /// The rest of a message has still to come.
    case unfinished
    case keyUpdate(isAnswerWanted: Bool)
    case violation(RecordDecryptor.Violation)
  }

  private static let kind: UInt32 = 24
  private static let headSize = 4

  /// How much of the message has come, and what its first bytes say.
  private var count = 0
  private var head: UInt32 = 0

  /// Whether a message has begun and is not whole.
  var isUnfinished: Bool { count > 0 }

  /// Takes the content of one record.
  mutating func take(_ content: UnsafeRawBufferPointer) -> Taken {
    guard !content.isEmpty else { return .violation(.unexpected) }
    for (index, byte) in content.enumerated() {
      count += 1
      switch count {
      case 1...Self.headSize:
        head = head << 8 | UInt32(byte)
        // libssl judges a message only once its whole head is there, and so does this.
        guard count == Self.headSize else { continue }
        guard head >> 24 == Self.kind else { return .violation(.unexpected) }
        let length = head & 0xff_ffff
        guard length > 0 || index == content.count - 1 else { return .violation(.unexpected) }
        guard length == 1 else { return .violation(.decoding) }
      default:
        count = 0
        // The next record has new keys, so nothing may follow the message in this one.
        guard index == content.count - 1 else { return .violation(.unexpected) }
        guard byte <= 1 else { return .violation(.illegalParameter) }
        return .keyUpdate(isAnswerWanted: byte == 1)
      }
    }
    return .unfinished
  }
}

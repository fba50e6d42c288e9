/// The bytes of one stream or small upload on one connection, as the server counts them.
struct Transfer: Hashable, Sendable {
  /// What is to be done once all bytes that were granted are here.
  enum Goal: Hashable, Sendable {
    /// The stream is whole.
    case complete
    /// A partial offer was filled.
    case answerPartial
  }

  /// Progress packets are never further apart than this, in bytes (protocol.md section 4).
  static let widestProgress: Int64 = 8 << 20

  var key: StreamKey
  var total: Total
  /// Whether it is a small upload, whose client has no key to resume with.
  var isPayload = false
  /// The byte that the grant ends before; nil if no limit is known.
  var grantedEnd: Int64?
  var received: Int64
  var safe: Int64
  /// The bytes between progress packets; nil if none are wanted.
  var interval: Int64?
  var lastProgress: Int64
  /// Whether the client has ended its side in order.
  var inputEnded = false
  /// Whether bytes came after a grant of a stream of unknown length was full: it has not ended there.
  var overran = false

  init(key: StreamKey, total: Total, offset: Int64, acknowledgeEvery: Int64?) {
    self.key = key
    self.total = total
    received = offset
    safe = offset
    lastProgress = offset
    interval = acknowledgeEvery.map { min($0, Self.widestProgress) }
  }

  var isUnlimited: Bool { total == .unlimited }

  /// What a full grant leads to.
  var goal: Goal { total == grantedEnd.map(Total.known) ? .complete : .answerPartial }

  /// How many of the next bytes belong to the grant.
  func room(for count: Int) -> Int {
    guard let grantedEnd else { return count }
    return Int(min(Int64(count), grantedEnd - received))
  }

  var isFull: Bool { received == grantedEnd }

  /// LEFT as long as the stream is not complete. The last byte counts as arrived only with the rest of the work
  /// done, because LEFT 0 means status 0; nil where even that is impossible, for a stream of 0 bytes.
  func left(safe: Int64) -> Total? {
    guard case .known(let total) = total else { return .unlimited }
    return total == 0 ? nil : .known(max(1, total - safe))
  }
}

/// How many records and messages that bring nothing a peer may send: empty records, key updates, warnings, attempts to
/// renegotiate.
///
/// A key update has 27 bytes and costs more than a full record does, so a read of them alone would hold up the event
/// loop. Peers who mean well send few of them: OpenSSL and Go none or one for gigabytes. So each is paid for by bytes.
struct IdleAllowance {
  /// How many a peer may send before it has sent any content.
  static let free = 32
  /// Each time this many bytes of content have come, one more is allowed, up to ``free``.
  static let bytesForEach = 16 << 10

  /// What is left, counted in bytes of content.
  private var left = free * bytesForEach

  /// Counts one record or message without content.
  ///
  /// - Returns: whether it is allowed.
  mutating func spend() -> Bool {
    left -= Self.bytesForEach
    return left >= 0
  }

  /// Counts bytes of content.
  mutating func earn(_ count: Int) {
    left = min(left + count, Self.free * Self.bytesForEach)
  }
}

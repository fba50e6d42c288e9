/// How many records and messages that bring nothing a peer may send: empty records, key updates, warnings, attempts to
/// renegotiate.
///
/// A key update has 27 bytes and costs more than a full record does, so a read of them alone would hold up the event loop.
/// Peers who mean well send few of them: OpenSSL and Go none or one for gigabytes. So each is paid for by bytes.
struct IdleAllowance {
  /// So many are free.
  static let free = 32
  /// So many bytes of content allow for one more, though never for more than ``free`` at a time.
  static let bytesForEach = 16 << 10

  /// In bytes.
  private var left = free * bytesForEach

  /// - Returns: whether there was enough left for one.
  mutating func spend() -> Bool {
    left -= Self.bytesForEach
    return left >= 0
  }

  /// So many bytes of content have come.
  mutating func earn(_ count: Int) {
    left = min(left + count, Self.free * Self.bytesForEach)
  }
}

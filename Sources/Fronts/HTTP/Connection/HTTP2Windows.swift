import Synchronization

/// The memory that wide windows of HTTP/2 may take. Bytes of a stream wait in NIO's channel for it, where the budget of
/// uploads does not see them: so only as many connections get wide windows, one for each of their streams, as a quarter
/// of that budget has room for. Others have the protocol's 64 KiB a stream.
final class HTTP2Windows: Sendable {
  /// The window of a stream on a connection with a permit, in bytes: 50 ms at 80 MB/s.
  static let wide = 4 << 20

  /// The right to a wide window for each stream of one connection.
  struct Permit: Sendable {}

  private let most: Int
  private let taken = Mutex(0)

  /// - Parameter memory: the budget of all uploads, in bytes.
  init(memory: Int) {
    most = max(1, memory / 4 / (Self.wide * HTTP2Connection.streams))
  }

  func take() -> Permit? {
    taken.withLock { taken in
      guard taken < most else { return nil }
      taken += 1
      return Permit()
    }
  }

  func giveBack(_ permit: Permit) { taken.withLock { $0 -= 1 } }
}

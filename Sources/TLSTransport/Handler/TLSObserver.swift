public import NIOCore

/// Hears how the handshakes of ``TLSHandler`` end, for counters and histograms.
///
/// Each handshake that begins is reported once, with one exception: of a connection that this side closes before its
/// handshake is complete, nothing is reported. The calls come on the connection's event loop, so they must not block.
public protocol TLSObserver: Sendable {
  /// A handshake is complete.
  func handshakeCompleted(_ handshake: TLSHandshakeReport)
  /// A handshake failed.
  ///
  /// - Parameters:
  ///   - error: the same that the handler fires as an error.
  ///   - duration: since the channel became active.
  func handshakeFailed(_ error: TLSError, after duration: TimeAmount)
}

/// What ``TLSObserver`` hears of a complete handshake.
public struct TLSHandshakeReport: Sendable, Equatable {
  /// OpenSSL's name: `TLSv1.2` or `TLSv1.3`.
  public let protocolVersion: String
  /// Whether an earlier session was resumed.
  public let isResumed: Bool
  /// Since the channel became active.
  public let duration: TimeAmount
}

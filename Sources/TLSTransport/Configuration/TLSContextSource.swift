/// Says with which context a server's next connection is served.
///
/// A ``TLSContext`` is a source of itself, for a server whose certificates never change. ``PublishedTLSContext`` is one
/// whose context can be replaced.
public protocol TLSContextSource: Sendable {
  /// The context for a connection that was accepted just now. Called on the connection's event loop, so it must not
  /// block.
  ///
  /// The name that the client asks for is not known yet: libssl tells it while it reads the ClientHello. A source that
  /// serves several names therefore answers with a context that switches in libssl's server name callback.
  func contextForConnection() -> TLSContext
}

extension TLSContextSource {
  /// What clients' certificates are judged by now; `nil` where clients are asked for none.
  public var clientTrust: ClientTrust? { contextForConnection().clientTrust }
}

extension TLSContext: TLSContextSource {
  /// Itself.
  public func contextForConnection() -> TLSContext { self }
}

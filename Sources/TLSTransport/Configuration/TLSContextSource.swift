/// Says with which context a server's next connection is served.
///
/// A ``TLSContext`` is a source of itself.
public protocol TLSContextSource: Sendable {
  /// The context for a connection that was accepted just now. Called on the connection's event loop, so it must not
  /// block.
  ///
  /// The name that the client asks for is not known yet: libssl tells it while it reads the ClientHello. A source that
  /// serves several names therefore answers with a context that switches in libssl's ClientHello callback.
  func contextForConnection() -> TLSContext
}

extension TLSContextSource {
  /// What certificates of clients that ask for a host are judged by now; `nil` where clients are asked for none.
  ///
  /// - Parameter serverName: as the client said it; `nil` for one that said none.
  public func clientTrust(for serverName: String?) -> ClientTrust? {
    let first = contextForConnection()
    // A name that is served no more takes nobody's rights.
    return (first.serving(serverName?.lowercased()) ?? first).clientTrust
  }
}

extension TLSContext: TLSContextSource {
  /// Itself.
  public func contextForConnection() -> TLSContext { self }
}

package import GatewayCore
package import Logging
package import NIOCore

/// The x-stream protocol (docs/protocol.md) as a front.
package struct XStreamFront: Front {
  /// Its name in ALPN.
  package static let applicationProtocol = "x-stream/1"

  private let gateway: Gateway
  private let timeouts: FrontTimeouts
  private let logger: Logger

  /// - Parameter logger: of the gateway; what names a connection is added.
  package init(gateway: Gateway, timeouts: FrontTimeouts, logger: Logger) {
    self.gateway = gateway
    self.timeouts = timeouts
    self.logger = logger
  }

  /// See ``Front``.
  package var applicationProtocols: [String] { [Self.applicationProtocol] }

  /// Each packet begins with `headers:` (protocol.md, section 2).
  package func recognises(_ firstBytes: ByteBufferView) -> Bool? {
    let opening = "headers:".utf8
    guard zip(firstBytes, opening).allSatisfy({ $0 == $1 }) else { return false }
    return firstBytes.count < opening.count ? nil : true
  }

  /// See ``Front``.
  package func install(on channel: any Channel, peer: ConnectionPeer) throws {
    try channel.pipeline.syncOperations.addHandler(
      XStreamHandler(gateway: gateway, timeouts: timeouts, logger: logger, peer: peer))
  }
}

package import GatewayCore
package import Logging
package import NIOCore
import NIOHTTP1

/// HTTP as a front: plain uploads, forms, tus and resumable uploads at the same routes (docs/http.md).
package struct HTTPFront: Front {
  /// Its names in ALPN, the preferred first.
  package static let applicationProtocols = ["h2", "http/1.1"]

  let gateway: Gateway
  let settings: HTTPSettings
  let timeouts: FrontTimeouts
  let logger: Logger
  let windows: HTTP2Windows

  /// - Parameter logger: of the gateway; what names a connection is added.
  package init(gateway: Gateway, settings: HTTPSettings, timeouts: FrontTimeouts, logger: Logger) {
    self.gateway = gateway
    self.settings = settings
    self.timeouts = timeouts
    self.logger = logger
    self.windows = HTTP2Windows(memory: gateway.memory.limit)
  }

  /// See ``Front``.
  package var applicationProtocols: [String] { Self.applicationProtocols }

  /// Methods are upper case (RFC 9110, section 9.1), and no other protocol here begins so.
  package func recognises(_ firstBytes: ByteBufferView) -> Bool? {
    firstBytes.first.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
  }

  /// See ``Front``.
  package func install(on channel: any Channel, peer: ConnectionPeer) throws {
    if peer.connection.alpn == "h2" { return try HTTP2Connection.install(self, on: channel, peer: peer) }
    let exchanges = HTTPExchangeHandler(self, peer: peer)
    let refusal = HTTP1Refusal(exchanges)
    exchanges.refusal = refusal
    try channel.pipeline.syncOperations.addHandlers(
      HTTP1Portions { [weak exchanges] in exchanges?.isTakingBody == true },
      HTTP1Arrival { [weak exchanges] in exchanges?.bytesArrived() },
      HTTPResponseEncoder(configuration: Self.encoding),
      ByteToMessageHandler(
        HTTPRequestDecoder(
          leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: Self.limits)),
      refusal, HTTPServerPipelineHandler(), exchanges)
  }

  /// The framing fields of an answer are this front's own.
  private static var encoding: HTTPResponseEncoder.Configuration {
    var encoding = HTTPResponseEncoder.Configuration()
    encoding.automaticallySetFramingHeaders = false
    return encoding
  }

  /// Of a message's head, trailers included; more is 431, or 414 for the target.
  private static var limits: NIOHTTPDecoderLimitConfiguration {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = 8 << 10
    limits.maxHeaderListSize = 16 << 10
    limits.maxHeaderFieldCount = 64
    return limits
  }
}

/// What the HTTP front is told.
package struct HTTPSettings: Hashable, Sendable {
  /// The gateway's own origin, as `https://uploads.example`; `nil` takes what the request addresses.
  package var origin: String?
  /// Hosts that requests may address; empty for all.
  package var hosts: [String]
  /// Whether `104 (Upload Resumption Supported)` is sent to clients that know it.
  package var sendsInterim: Bool
  /// Whether browsers get the page.
  package var hasPage: Bool
  /// What routes say by themselves, by their paths.
  package var routes: [String: HTTPRouteSettings]

  /// What has no default in the configuration has its safe choice here.
  package init(
    origin: String? = nil, hosts: [String] = [], sendsInterim: Bool = true, hasPage: Bool = true,
    routes: [String: HTTPRouteSettings] = [:]
  ) {
    self.origin = origin
    self.hosts = hosts
    self.sendsInterim = sendsInterim
    self.hasPage = hasPage
    self.routes = routes
  }
}

/// What the HTTP front is told of one route.
package struct HTTPRouteSettings: Hashable, Sendable {
  /// Origins of foreign pages that may use it.
  package var origins: [String] = []
  /// Whether clients may remove their complete uploads.
  package var removesComplete = false
  /// Whether an upload's URL alone is the right to ask for it, to go on with it, and to give it up or remove it.
  package var takesKeys = false

  /// What is not said has its safe choice.
  package init() {}
}

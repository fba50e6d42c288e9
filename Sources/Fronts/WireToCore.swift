import GatewayCore
import NIOCore
import XStream

extension UploadRequest {
  /// - Parameters:
  ///   - credentials: what the connection has shown; the packet's token is added.
  ///   - connection: what is known of the connection; the packet is added.
  init(_ request: ClientRequest, credentials: Credentials, connection: ClientConnection) {
    var credentials = credentials
    switch request.context.authorization {
    case nil: break
    case .bearer(let token): credentials.token = token
    // Of a scheme that nobody here knows, so it is a wrong one wherever one is wanted.
    case .unsupported: credentials.token = ""
    }
    switch request {
    case .open(let open): self.init(open, credentials: credentials)
    case .resume(let resume): self.init(resume.open, credentials: credentials)
    case .payload(let payload):
      self.init(
        route: payload.context.route, shape: .payload, format: GatewayCore.DataFormat(rawValue: payload.format.name),
        total: payload.size, buffer: payload.size, label: payload.name?.label,
        digest: payload.digest.flatMap(ContentDigest.init), acknowledgeEvery: nil, credentials: credentials)
    case .ask(let ask):
      self.init(earlier: ask.context, total: ask.total, credentials: credentials)
    case .giveUp(let giveUp):
      self.init(earlier: giveUp.context, total: .known(0), credentials: credentials)
    }
    self.connection = connection
    self.connection.openPacket = { key in Self.packet(request, key: key) }
  }

  /// The bearer token is between client and gateway; no backend needs it.
  private static func packet(_ request: ClientRequest, key: UploadKey) -> ByteBuffer {
    var buffer = ByteBuffer()
    // What the client sent was valid, so it can be written again.
    guard var head = try? request.head() else { return buffer }
    head.headers.removeAll { $0.name == .authorization || $0.name == .streamKey }
    head.append(.streamKey, key.text)
    PacketWriter.write(head, into: &buffer)
    return buffer
  }

  private init(_ open: OpenRequest, credentials: Credentials) {
    self.init(
      route: open.context.route, shape: .stream, format: GatewayCore.DataFormat(rawValue: open.format.name),
      total: open.total.count, buffer: open.buffer, label: open.name?.label,
      digest: open.digest.flatMap(ContentDigest.init), acknowledgeEvery: open.acknowledgeEvery,
      credentials: credentials)
  }

  /// Asking and giving up bring no bytes: what they would be is no matter.
  private init(earlier context: RequestContext, total: Total, credentials: Credentials) {
    self.init(
      route: context.route, shape: .stream, format: nil, total: total.count, buffer: 0, label: nil, digest: nil,
      acknowledgeEvery: nil, credentials: credentials)
  }
}

extension Total {
  /// `nil` for `*`.
  var count: Int64? {
    switch self {
    case .known(let count): count
    case .unlimited: nil
    }
  }
}

extension ContentDigest {
  init?(_ digest: StreamDigest) {
    self.init(bytes: digest.bytes)
  }
}

import Testing

@testable import XStream

/// What the scripts of both machines are made of.
enum Samples {
  static let key = StreamKey(unchecked: "6Qe0cEw2m7SxN1vXo8bJ3A")
  static let otherKey = StreamKey(unchecked: "AAAAAAAAAAAAAAAAAAAAAA")
  static let context = RequestContext(route: "/upload-file")
  static let digest = StreamDigest(unchecked: 7)
  static let otherDigest = StreamDigest(unchecked: 8)

  static func open(
    _ total: Total, buffer: Int64 = 4096, ack: Int64? = nil, digest: StreamDigest? = nil
  ) -> OpenRequest {
    OpenRequest(
      context: context, format: .bytes, total: total, buffer: buffer, acknowledgeEvery: ack, digest: digest)
  }

  static func grant(_ extent: Offer.Extent = .whole, offset: Int64 = 0) -> Grant {
    Grant(extent: extent, buffer: 4096, key: key, format: .bytes, offset: offset)
  }

  static func offer(_ extent: Offer.Extent = .whole, offset: Int64? = nil) -> ServerMessage {
    .offer(Offer(extent: extent, buffer: 4096, key: key, format: .bytes, offset: offset))
  }

  static func ok(digest: StreamDigest? = nil, reply: PacketHead.Payload = .none) -> ServerMessage {
    .final(Final(status: .ok, key: key, left: .known(0), digest: digest, payload: reply))
  }
}

extension StreamKey {
  fileprivate init(unchecked text: String) {
    guard let key = StreamKey(text) else { preconditionFailure("no key: \(text)") }
    self = key
  }
}

extension StreamDigest {
  fileprivate init(unchecked byte: UInt8) {
    guard let digest = StreamDigest(bytes: Array(repeating: byte, count: 32)) else { preconditionFailure() }
    self = digest
  }
}

extension ServerMessage {
  var asFinal: Final? { if case .final(let final) = self { final } else { nil } }
  var asRefusal: RefusalMessage? { if case .refusal(let refusal) = self { refusal } else { nil } }
}

extension ServerExchange.OnAnswer {
  var message: ServerMessage? { if case .send(let message, _) = self { message } else { nil } }
  var after: ServerExchange.AfterPacket? { if case .send(_, let after) = self { after } else { nil } }
}

extension ServerExchange {
  /// A server in front of a decision on the request.
  static func deciding(_ request: ClientRequest) throws -> ServerExchange {
    var server = ServerExchange()
    #expect(server.received(try request.head()) == .admit(request))
    return server
  }

  /// A server that has granted an open.
  static func receiving(
    _ total: Total, _ extent: Offer.Extent = .whole, ack: Int64? = nil
  ) throws -> ServerExchange {
    var server = try deciding(.open(Samples.open(total, ack: ack)))
    #expect(server.offered(Samples.grant(extent)) == .receive(Samples.offer(extent)))
    return server
  }
}

/// Why a head is not a message of a server.
public enum MessageError: Error, Hashable, Sendable {
  /// A header that the message needs is not there.
  case missing(HeaderName)
  /// A header's value is not what protocol.md says.
  case invalid(HeaderName, expected: String)
  /// Status 0 with bytes left, or another status with none.
  case statusAgainstLeft
  /// A body in a packet that is not a final.
  case payloadWithoutFinal

  /// One line for a person.
  public var reason: String {
    switch self {
    case .missing(let header): "the server's packet has no \(header)"
    case .invalid(let header, let expected): "the server's \(header) has to be \(expected)"
    case .statusAgainstLeft: "the server's status and x-stream contradict each other: status is 0 when 0 is left"
    case .payloadWithoutFinal: "the server's packet has a payload and is not a final"
    }
  }
}

extension ServerMessage {
  /// Reads a message out of a head, as a client does.
  /// - Throws: ``MessageError`` if it is none; the server cannot be trusted with the rest then.
  public init(_ head: PacketHead) throws(MessageError) {
    self = try Self.message(try MessageFields(head), head.payload)
    switch self {
    case .final(let final):
      guard (final.status == .ok) == (final.left == .known(0)) else { throw .statusAgainstLeft }
    case .offer, .progress, .refusal, .gaveUp:
      guard head.payload == .none else { throw .payloadWithoutFinal }
    }
  }

  private static func message(
    _ fields: MessageFields, _ payload: PacketHead.Payload
  ) throws(MessageError) -> ServerMessage {
    switch (fields.status, fields.terms) {
    case (nil, nil):
      guard let key = fields.key else { throw .missing(.streamKey) }
      guard let offset = fields.offset else { throw .missing(.streamOffset) }
      return .progress(Progress(key: key, offset: offset))
    case (nil, .terms(let count, let buffer)):
      guard let key = fields.key else { throw .missing(.streamKey) }
      guard let format = fields.formats?.first, fields.formats?.count == 1 else { throw .missing(.dataFormat) }
      guard case .known(let count) = count, buffer > 0 else {
        throw .invalid(.stream, expected: "N:BUFFER with a buffer above 0")
      }
      let extent: Offer.Extent = count == 0 ? .whole : .next(count)
      return .offer(Offer(extent: extent, buffer: buffer, key: key, format: format, offset: fields.offset))
    case (nil, .nothing):
      throw .missing(.status)
    case (.ok, .nothing):
      return .gaveUp
    case (.ok, nil):
      throw .missing(.stream)
    case (let status?, let terms) where terms == nil || terms == .nothing:
      return .refusal(
        RefusalMessage(
          status: status, reason: fields.reason ?? status.name, retryAfter: fields.retryAfter,
          formats: fields.formats ?? [], answersStream: terms != nil))
    case (let status?, .terms(let left, buffer: 0)):
      return .final(
        Final(
          status: status, reason: fields.reason, key: fields.key, left: left, offset: fields.offset,
          digest: fields.digest, retryAfter: fields.retryAfter, formats: fields.formats ?? [], payload: payload))
    default:
      throw .invalid(.stream, expected: "LEFT:0 beside a status")
    }
  }
}

/// The values of all headers that a server sends.
private struct MessageFields {
  var status: Status?
  var reason: String?
  var terms: StreamTerms?
  var key: StreamKey?
  var offset: Int64?
  var formats: [StreamFormat]?
  var digest: StreamDigest?
  var retryAfter: Int64?

  init(_ head: PacketHead) throws(MessageError) {
    status = try head.value(.status, "a number from 0 to 17") {
      WireNumber.parse($0).flatMap { Int(exactly: $0) }.flatMap { Status(rawValue: $0) }
    }
    reason = head[.reason]
    terms = try head.value(.stream, "N:BUFFER, LEFT:0 or -1") { StreamTerms($0) }
    key = try head.value(.streamKey, "16 to 128 of A-Z a-z 0-9 - _") { StreamKey($0) }
    offset = try head.value(.streamOffset, "a number of bytes") { WireNumber.parse($0) }
    formats = try head.value(.dataFormat, "a list of formats") { StreamFormat.list($0) }
    digest = try head.value(.streamDigest, "sha-256=:BASE64: of 32 bytes") { StreamDigest($0) }
    retryAfter = try head.value(.retryAfter, "a number of seconds") { WireNumber.parse($0) }
  }
}

extension PacketHead {
  /// A header's value, read; nil without the header.
  fileprivate func value<Value>(
    _ name: HeaderName, _ expected: String, read: (String) -> Value?
  ) throws(MessageError) -> Value? {
    guard let text = self[name] else { return nil }
    guard let value = read(text) else { throw .invalid(name, expected: expected) }
    return value
  }
}

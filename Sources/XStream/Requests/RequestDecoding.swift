extension ClientRequest {
  /// Reads a request out of a head, as a server does.
  ///
  /// The value of every header that a client sends is checked, also where this request has no use for it;
  /// headers that only a server sends are skipped.
  /// - Throws: ``RequestError``, which is status 1.
  public init(_ head: PacketHead) throws(RequestError) {
    let fields = try RequestFields(head)
    guard let terms = fields.terms else {
      self = .payload(try Self.payload(head, fields))
      return
    }
    guard head.payload.size == 0 else { throw .openWithPayload }
    switch terms {
    case .nothing:
      guard let key = fields.key else { throw .keyNeeded }
      self = .giveUp(GiveUpRequest(context: fields.context, key: key))
    case .terms(let total, buffer: 0):
      guard let key = fields.key else { throw .keyNeeded }
      self = .ask(AskRequest(context: fields.context, total: total, key: key))
    case .terms(let total, let buffer):
      guard let format = fields.format else { throw .missing(.dataFormat) }
      let open = OpenRequest(
        context: fields.context, format: format, total: total, buffer: buffer,
        acknowledgeEvery: fields.acknowledgeEvery, digest: fields.digest, name: fields.name)
      self = if let key = fields.key { .resume(ResumeRequest(open: open, key: key)) } else { .open(open) }
    }
  }

  private static func payload(_ head: PacketHead, _ fields: RequestFields) throws(RequestError) -> PayloadRequest {
    guard case .bytes(let size) = head.payload else { throw .nothingAsked }
    guard fields.key == nil else { throw .keyWithoutStream }
    guard let format = fields.format else { throw .missing(.dataFormat) }
    return PayloadRequest(
      context: fields.context, format: format, size: size, digest: fields.digest, name: fields.name)
  }
}

/// The values of all headers that a client sends, each checked on its own.
private struct RequestFields {
  var context: RequestContext
  var format: StreamFormat?
  var terms: StreamTerms?
  var key: StreamKey?
  var acknowledgeEvery: Int64?
  var digest: StreamDigest?
  var name: StreamName?

  init(_ head: PacketHead) throws(RequestError) {
    guard let route = head[.route] else { throw .missing(.route) }
    guard route.utf8.first == UInt8(ascii: "/") else {
      throw .invalid(.route, expected: "an absolute path, beginning with \"/\"")
    }
    context = RequestContext(route: route)
    context.authorization = try head.value(.authorization, "\"Bearer TOKEN\"") { Authorization($0) }
    context.traceparent = head[.traceparent].flatMap { TraceParent($0) }
    format = try head.value(.dataFormat, "bytes, text or json") { StreamFormat($0) }
    terms = try head.value(.stream, "TOTAL:BUFFER in plain decimal, *:BUFFER or -1") { StreamTerms($0) }
    key = try head.value(.streamKey, "16 to 128 of A-Z a-z 0-9 - _") { StreamKey($0) }
    acknowledgeEvery = try head.value(.streamAck, "a number of bytes, at least 1") {
      WireNumber.parse($0).flatMap { $0 > 0 ? $0 : nil }
    }
    digest = try head.value(.streamDigest, "sha-256=:BASE64: of 32 bytes") { StreamDigest($0) }
    name = try head.value(.streamName, "percent-encoded UTF-8 without control characters") { StreamName(encoded: $0) }
  }
}

extension PacketHead {
  /// A header's value, read; nil without the header.
  fileprivate func value<Value>(
    _ name: HeaderName, _ expected: String, read: (String) -> Value?
  ) throws(RequestError) -> Value? {
    guard let text = self[name] else { return nil }
    guard let value = read(text) else { throw .invalid(name, expected: expected) }
    return value
  }
}

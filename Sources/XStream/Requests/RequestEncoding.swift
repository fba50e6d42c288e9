extension ClientRequest {
  /// The head that carries the request, with headers in the order of protocol.md section 3.
  ///
  /// - Throws: ``RequestError`` if a receiver would refuse it: a route without `/`, a buffer of 0, a control
  ///   character, a head past the limits. Nothing is sent then.
  public func head() throws(RequestError) -> PacketHead {
    var head = PacketHead()
    head.append(.route, context.route)
    switch self {
    case .open(let request):
      head.append(request)
    case .resume(let request):
      head.append(request.open, key: request.key)
    case .ask(let request):
      head.append(.stream, StreamTerms.terms(request.total, buffer: 0))
      head.append(.streamKey, request.key)
    case .giveUp(let request):
      head.append(.stream, StreamTerms.nothing)
      head.append(.streamKey, request.key)
    case .payload(let request):
      head.append(.dataFormat, request.format)
      head.append(.streamDigest, ifPresent: request.digest)
      head.append(.streamName, ifPresent: request.name)
      head.payload = .bytes(request.size)
    }
    if case .bearer(let token) = context.authorization {
      head.append(.authorization, "Bearer \(token)")
    }
    head.append(.traceparent, ifPresent: context.traceparent)
    if let error = head.refusal { throw .unsendable(error) }
    let understood = try ClientRequest(head)
    guard understood.isSameKind(as: self) else { throw .keyNeeded }
    return head
  }

  /// A resume with a buffer of 0 would be read as a question.
  private func isSameKind(as other: ClientRequest) -> Bool {
    switch (self, other) {
    case (.open, .open), (.resume, .resume), (.ask, .ask), (.giveUp, .giveUp), (.payload, .payload): true
    default: false
    }
  }
}

extension PacketHead {
  fileprivate mutating func append(_ open: OpenRequest, key: StreamKey? = nil) {
    append(.dataFormat, open.format)
    append(.stream, StreamTerms.terms(open.total, buffer: open.buffer))
    append(.streamKey, ifPresent: key)
    append(.streamAck, ifPresent: open.acknowledgeEvery)
    append(.streamDigest, ifPresent: open.digest)
    append(.streamName, ifPresent: open.name)
  }

  /// What a receiver would say against the head once written, or nil.
  public var refusal: PacketError? {
    guard !headers.isEmpty else { return .noHeaders }
    guard headers.count <= PacketHead.maximumHeaders else { return .tooManyHeaders }
    var size = "headers:\n".utf8.count + "payload: \n".utf8.count
    if case .bytes(let count) = payload { size += String(count).utf8.count } else { size += 1 }
    var seen: Set<HeaderName> = []
    for (index, header) in headers.enumerated() {
      let line = index + 2
      guard seen.insert(header.name).inserted else { return .duplicate(line: line, header: header.name) }
      guard !header.value.utf8.allSatisfy({ $0 == 32 }) else { return .emptyValue(line: line, header: header.name) }
      guard !Controls.isIn(header.value) else { return .control(line: line, header: header.name) }
      size += "    : \n".utf8.count + header.name.text.utf8.count + header.value.utf8.count
    }
    return size <= PacketHead.maximumBytes ? nil : .headTooLong
  }
}

extension ServerMessage {
  /// The longest reason that is sent, in bytes of UTF-8; a longer one is cut between characters.
  public static let maximumReason = 512

  /// The head that carries the message. It is always within the limits of a head.
  public var head: PacketHead {
    var head = PacketHead()
    switch self {
    case .offer(let offer):
      head.append(.stream, StreamTerms.terms(offer.extent.count, buffer: offer.buffer))
      head.append(.streamKey, offer.key)
      head.append(.streamOffset, ifPresent: offer.offset)
      head.append(.dataFormat, offer.format)
    case .progress(let progress):
      head.append(.streamKey, progress.key)
      head.append(.streamOffset, progress.offset)
    case .final(let final):
      head.append(.status, final.status.rawValue)
      head.append(reason: final.reason)
      head.append(.streamKey, ifPresent: final.key)
      head.append(.stream, StreamTerms.terms(final.left, buffer: 0))
      head.append(.streamOffset, ifPresent: final.offset)
      head.append(formats: final.formats)
      head.append(.streamDigest, ifPresent: final.digest)
      head.append(.retryAfter, ifPresent: final.retryAfter)
      head.payload = final.payload
    case .refusal(let refusal):
      if refusal.answersStream { head.append(.stream, StreamTerms.nothing) }
      head.append(.status, refusal.status.rawValue)
      head.append(reason: refusal.reason)
      head.append(formats: refusal.formats)
      head.append(.retryAfter, ifPresent: refusal.retryAfter)
    case .gaveUp:
      head.append(.status, Status.ok.rawValue)
      head.append(.stream, StreamTerms.nothing)
    }
    return head
  }
}

extension Offer.Extent {
  fileprivate var count: Total {
    switch self {
    case .whole: .known(0)
    case .next(let count): .known(count)
    }
  }
}

extension PacketHead {
  /// Adds the list of formats that goes with status 4.
  fileprivate mutating func append(formats: [StreamFormat]) {
    guard !formats.isEmpty else { return }
    append(.dataFormat, formats.prefix(32).map(\.name).joined(separator: ", "))
  }

  /// Adds a reason, cut to ``ServerMessage/maximumReason`` and kept on one line.
  fileprivate mutating func append(reason: String?) {
    guard let reason else { return }
    var short = ""
    var size = 0
    for scalar in reason.unicodeScalars {
      size += UTF8.width(scalar)
      guard size <= ServerMessage.maximumReason else { break }
      short.unicodeScalars.append(scalar)
    }
    let line = Controls.line(short)
    if !line.isEmpty { append(.reason, line) }
  }
}

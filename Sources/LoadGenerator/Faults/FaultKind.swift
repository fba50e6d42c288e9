/// What a client does wrong on purpose, or suffers. Each has an answer that is expected of the server, which is
/// checked.
package enum FaultKind: String, Hashable, Sendable, CaseIterable, Codable {
  /// The connection breaks after a random byte; another one resumes, and the upload becomes complete.
  case cut
  /// The connection breaks after a random byte, and the client never comes back.
  case vanish
  /// The client is silent for a while after a random byte, and goes on: the upload becomes complete, or has status 14
  /// and becomes complete after a resume.
  case stall
  /// The first bytes come one by one: the upload becomes complete.
  case drip
  /// `close_notify` after a random byte of a stream whose total is known: never status 0; a resume completes it.
  case halfClose = "half-close"
  /// The end of TCP without `close_notify` in a stream whose total is unknown: an ask says that it is not complete, and
  /// a give-up drops it.
  case truncate
  /// A digest that is not the bytes': status 13, and nothing is kept.
  case wrongDigest = "wrong-digest"
  /// Something that is no packet, or none that is allowed: status 1, and the server closes.
  case malformed
  /// A second connection resumes while the first still sends: the second completes the upload, and the first is ended.
  case takeOver = "take-over"
}

/// How many of the uploads have a fault.
package struct FaultShare: Hashable, Sendable {
  /// Which.
  package var kind: FaultKind
  /// Of all uploads, above 0, at most 1.
  package var share: Double
  /// How long a stall takes.
  package var time = Duration.seconds(3)
  /// How many bytes come one by one, 1 to 100,000.
  package var bytes = 256

  /// A fault with its share.
  package init(_ kind: FaultKind, share: Double) {
    self.kind = kind
    self.share = share
  }
}

package import NIOCore

/// Judges new uploads before they are offered, by what somebody outside of the gateway says. Route, identity and size have
/// been judged by then, quotas have not.
package protocol OpeningJudge: Sendable {
  /// What is wished of the upload. Fails with ``Refusal`` alone.
  func judge(_ opening: Opening, on eventLoop: any EventLoop) -> EventLoopFuture<OpeningWish>
}

/// An upload that a client asks for.
package struct Opening: Sendable {
  /// What is known of it.
  package var facts: UploadFacts
  /// Where its connection comes from.
  package var connection: ClientConnection

  /// Both.
  package init(facts: UploadFacts, connection: ClientConnection) {
    self.facts = facts
    self.connection = connection
  }
}

/// What is wished of an upload that is let in. What is `nil` or empty stays as it would be.
package struct OpeningWish: Hashable, Sendable {
  /// The name of the file, in place of the client's own.
  package var label: String?
  /// Whose quotas it counts against: the name of a client that is none of those who show something.
  package var client: String?
  /// Folders below the store's own. Whoever wishes sees to it that each can be a folder's name.
  package var folders: [String]

  /// All of it.
  package init(label: String? = nil, client: String? = nil, folders: [String] = []) {
    self.label = label
    self.client = client
    self.folders = folders
  }
}

extension ClientIdentity {
  /// In front of the ``subject`` of a client that a route's judge has named.
  static let namedPrefix = "named:"
}

extension Admission {
  /// The same for an upload that counts against another client than the one that sends it.
  func counting(against subject: String, at now: WallTime) -> Admission {
    guard subject.hasPrefix(ClientIdentity.namedPrefix) else { return self }
    var admission = self
    admission.quotas = route.quotas(of: subject, now: now)
    return admission
  }
}

extension UploadFacts {
  /// The same as it is wished.
  func taking(_ wish: OpeningWish) -> UploadFacts {
    var facts = self
    if let label = wish.label { facts.label = label }
    if let client = wish.client { facts.subject = ClientIdentity.namedPrefix + client }
    return facts
  }
}

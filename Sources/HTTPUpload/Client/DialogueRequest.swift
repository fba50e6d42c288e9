/// One request of an upload, without what belongs to the connection: `Host`, credentials, and how the content is framed.
package struct DialogueRequest: Sendable, Equatable {
  /// What follows the head.
  package enum Content: Sendable, Equatable {
    /// Nothing.
    case none
    /// So many bytes of the source.
    case bytes(Int64)
    /// Bytes of a source whose end nobody knows: up to its end, or to so many bytes, or to a moment when it has nothing.
    case some(atMost: Int64)
    /// All of a source whose end nobody knows.
    case all
  }

  /// The method.
  package let method: String
  /// Whom it asks.
  package let url: HTTPSURL
  /// The fields that the dialect has.
  package var fields: HTTPFields
  /// What follows the head.
  package var content = Content.none
  /// The offset in the source that the content begins at.
  package var start: Int64 = 0
  /// Whether the content may have to be sent once more.
  package var mayRepeat = true

  init(_ method: String, _ url: HTTPSURL, _ dialect: ClientDialect) {
    self.method = method
    self.url = url
    fields = dialect.fields
  }

  /// Bytes of the content; nil where nobody knows.
  package var length: Int64? {
    switch content {
    case .none: 0
    case .bytes(let count): count
    case .some, .all: nil
    }
  }
}

/// What became of a request's content by the time it was answered.
package struct SentContent: Sendable, Equatable {
  /// Bytes that were handed to the connection.
  package var count: Int64
  /// Whether the source was seen to end.
  package var sourceEnded: Bool

  /// An account.
  package init(count: Int64 = 0, sourceEnded: Bool = false) {
    self.count = count
    self.sourceEnded = sourceEnded
  }
}

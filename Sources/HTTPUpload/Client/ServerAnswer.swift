/// A server's answer, as a client reads it.
package struct ServerAnswer: Sendable {
  /// What a server says of a refusal (RFC 9457).
  package struct Problem: Sendable, Equatable {
    /// The type's URI.
    package var type: String?
    /// What kind of problem it is.
    package var title: String?
    /// What is particular to this one.
    package var detail: String?

    /// A problem as it was read.
    package init(type: String? = nil, title: String? = nil, detail: String? = nil) {
      (self.type, self.title, self.detail) = (type, title, detail)
    }
  }

  /// The status.
  package let status: Int
  /// The fields.
  package let fields: HTTPFields
  /// What the body says, where it is a problem.
  package let problem: Problem?

  /// An answer.
  package init(status: Int, fields: HTTPFields = [:], problem: Problem? = nil) {
    self.status = status
    self.fields = fields
    self.problem = problem
  }

  var isSuccess: Bool { status / 100 == 2 }

  /// Whether it says that the upload is complete, or that it is not; nil where it says neither.
  var isComplete: Bool? { fields.boolean("Upload-Complete") ?? fields.boolean("Upload-Incomplete").map { !$0 } }

  /// How far the upload is.
  var offset: Int64? { fields.first("Upload-Offset").flatMap { WholeNumber.parse($0.trimmedOfBlanks) } }

  /// The upload's length.
  var length: Int64? { fields.first("Upload-Length").flatMap { WholeNumber.parse($0.trimmedOfBlanks) } }

  /// Seconds that the server wants to be left alone for. A date is not read: the client's own delays are as good.
  package var retryAfter: Int64? {
    fields.first("Retry-After").flatMap { WholeNumber.parse($0.trimmedOfBlanks) }
  }

  /// The draft's version that the server names, if it is one of ours.
  var version: Int? {
    guard let number = fields.natural(ResumableVersion.fieldName).map({ Int($0) }) else { return nil }
    return ClientDialect.knows(number) ? number : nil
  }

  /// The SHA-256 that the server has of the whole.
  package var digest: [UInt8]? { (try? DigestFields(.representation, of: fields))?.sha256 }

  func isProblem(_ name: String) -> Bool { problem?.type?.hasSuffix("#" + name) ?? false }

  /// Whether the server speaks the draft: it has a field that nothing else has.
  var speaksDraft: Bool {
    isComplete != nil || fields.has("Upload-Limit") || version != nil
      || fields.joined("Accept-Patch")?.asciiLowercased.contains(ResumableRequest.mediaType) == true
  }

  /// Whether the server speaks tus 1.0.0 and lets uploads be created.
  var speaksTus: Bool {
    let versions = (fields.joined("Tus-Version") ?? fields.joined("Tus-Resumable"))?.trimmedParts(at: ",") ?? []
    let extensions = fields.joined("Tus-Extension")?.trimmedParts(at: ",") ?? []
    return versions.contains("1.0.0") && extensions.contains("creation")
  }
}

/// What an interim answer tells.
package enum InterimNews {
  /// How far the upload is safe, where the fields of a 104 say so.
  package static func offset(status: Int, _ fields: HTTPFields) -> Int64? {
    status == 104 ? ServerAnswer(status: status, fields: fields).offset : nil
  }
}

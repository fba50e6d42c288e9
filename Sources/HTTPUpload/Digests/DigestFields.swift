/// `Repr-Digest` and `Content-Digest` (RFC 9530): what the whole file, or one request's content, has to hash to.
package struct DigestFields: Sendable, Equatable {
  /// The fields.
  package enum Name: String, Sendable, CaseIterable {
    /// Of the whole file.
    case representation = "Repr-Digest"
    /// Of this message's content.
    case content = "Content-Digest"
  }

  /// The field.
  package let name: Name
  /// The SHA-256 that was given.
  package let sha256: [UInt8]?
  /// The SHA-512 that was given. It is known, so that its length is checked, but nobody here computes it.
  package let sha512: [UInt8]?
  /// The other algorithms that were given.
  package let others: [String]

  /// Reads a field of a request, or gives `nil` where it is absent.
  ///
  /// A field that does not parse is refused as RFC 9651 allows. To ignore it would let the client believe that its file
  /// was checked. The problem type for digests is not for bad syntax, says its draft.
  package init?(_ name: Name, of fields: HTTPFields) throws(HTTPProblem) {
    guard let text = fields.joined(name.rawValue) else { return nil }
    guard let members = StructuredField.dictionary(text), !members.isEmpty else { throw .badField(name.rawValue) }
    self.name = name
    sha256 = try Self.digest("sha-256", 32, members, name)
    sha512 = try Self.digest("sha-512", 64, members, name)
    others = members.map(\.key).filter { $0 != "sha-256" && $0 != "sha-512" }
  }

  /// The SHA-256 to check. Where only others were given, they are a problem: unchecked content would look checked.
  package func toCheck() throws(HTTPProblem) -> [UInt8] {
    if let sha256 { return sha256 }
    throw .digestUnsupported(algorithms: (sha512 == nil ? [] : ["sha-512"]) + others, field: name.rawValue)
  }

  /// The problem of content that hashes to something else.
  package var mismatch: HTTPProblem {
    .digestMismatch(algorithm: "sha-256", provided: sha256 ?? [], field: name.rawValue)
  }

  /// A field's value for a digest.
  package static func value(sha256 digest: [UInt8]) -> String { "sha-256=\(StructuredField.text(digest))" }

  private static func digest(
    _ algorithm: String, _ size: Int, _ members: [(key: String, item: StructuredItem)], _ name: Name
  ) throws(HTTPProblem) -> [UInt8]? {
    guard let member = members.first(where: { $0.key == algorithm }) else { return nil }
    guard case .bytes(let bytes) = member.item, bytes.count == size else {
      throw .digestInvalid(algorithm: algorithm, field: name.rawValue)
    }
    return bytes
  }
}

/// `Want-Repr-Digest` and `Want-Content-Digest` (RFC 9530 section 4): which digest a client would like in the answer. Only
/// SHA-256 counts; what is said of other algorithms, or cannot be read, is nothing that a request fails for.
package enum DigestWish: Sendable, Equatable {
  /// It says nothing of SHA-256: the digest goes out where it is known anyway.
  case indifferent
  /// It wants SHA-256, by a preference of 1 to 10.
  case wanted
  /// It accepts no SHA-256.
  case unwanted

  /// The value by which the gateway says the same to clients.
  package static let ours = "sha-256=10"

  /// Reads the wish for the field of that name.
  package init(_ name: DigestFields.Name, of fields: HTTPFields) {
    let members = fields.joined("Want-" + name.rawValue).flatMap { StructuredField.dictionary($0) } ?? []
    switch members.first(where: { $0.key == "sha-256" })?.item {
    case .integer(1...10): self = .wanted
    case .integer(0): self = .unwanted
    default: self = .indifferent
    }
  }
}

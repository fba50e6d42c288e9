/// `Want-Repr-Digest` (RFC 9530 section 4): which digest a client would like in the answer.
package enum DigestWish: Sendable, Equatable {
  /// It says nothing, or nothing that can be read: the digest goes out where it is known anyway.
  case indifferent
  /// It wants SHA-256, by a preference of 1 to 10.
  case wanted(preference: Int64)
  /// It wants others only, or says that it accepts no SHA-256.
  case unwanted

  /// Reads the field. A wish is none that a request fails for.
  package init(of fields: HTTPFields) {
    guard let members = fields.joined("Want-Repr-Digest").flatMap({ StructuredField.dictionary($0) }),
      !members.isEmpty
    else {
      self = .indifferent
      return
    }
    guard case .integer(let preference) = members.first(where: { $0.key == "sha-256" })?.item,
      (1...10).contains(preference)
    else {
      self = .unwanted
      return
    }
    self = .wanted(preference: preference)
  }

  /// Whether `Repr-Digest` goes out.
  package var isSent: Bool { self != .unwanted }
}

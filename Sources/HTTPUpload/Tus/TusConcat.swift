/// `Upload-Concat`: an upload that is a part of another, or one that is made of parts.
package enum TusConcat: Sendable, Equatable {
  /// A part.
  case partial
  /// Made of the uploads with these URLs, in this order; the field as it came, which is how HEAD gives it back.
  case final(parts: [String], text: String)

  /// The most parts of one upload: a request that starts more work than its size lets one think of is an attack.
  package static let mostParts = 1000

  private static let fieldName = "Upload-Concat"

  /// Reads a field's value.
  package init(_ text: String) throws(HTTPProblem) {
    if text == "partial" {
      self = .partial
      return
    }
    guard text.hasPrefix("final;") else { throw .badField(Self.fieldName) }
    let parts = text.dropFirst("final;".count).split(separator: " ").map(String.init)
    guard !parts.isEmpty, parts.count <= Self.mostParts else { throw .badField(Self.fieldName) }
    self = .final(parts: parts, text: text)
  }

  /// The field as HEAD gives it back.
  package var text: String {
    switch self {
    case .partial: "partial"
    case .final(_, let text): text
    }
  }

  /// The keys of the parts of a final upload, in order. Every part has to be an upload of the same route and, where its
  /// URL names a host, of one of the hosts that are this gateway's.
  package func keys(
    on route: String, routes: [String], authorities: [Authority]
  ) throws(HTTPProblem) -> [String] {
    guard case .final(let parts, _) = self else { return [] }
    var keys: [String] = []
    for part in parts {
      let target = try RequestTarget(part)
      if let named = target.authority, !authorities.contains(named) { throw .badField(Self.fieldName) }
      guard let path = target.path else { throw .badField(Self.fieldName) }
      let place = try RoutePlace(path, routes: routes)
      guard place.route == route, let key = place.key else { throw .badField(Self.fieldName) }
      keys.append(key)
    }
    return keys
  }
}

/// The fields of a message, in the order in which they stand there. Names are the same whatever the case of their
/// letters; a name may stand several times.
package struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// Every field with the name as it was written.
  package private(set) var pairs: [(name: String, value: String)]

  /// Takes fields as an HTTP library lists them.
  package init(_ pairs: some Sequence<(name: String, value: String)> = []) {
    self.pairs = Array(pairs)
  }

  /// Fields in the order of the literal; a name may repeat.
  package init(dictionaryLiteral elements: (String, String)...) {
    pairs = elements.map { (name: $0.0, value: $0.1) }
  }

  /// Appends a field.
  package mutating func append(_ name: String, _ value: String) {
    pairs.append((name: name, value: value))
  }

  /// Appends all fields of another list.
  package mutating func append(_ fields: HTTPFields) {
    pairs += fields.pairs
  }

  /// Appends those fields of another list whose names do not stand here: so two dialects can describe one upload.
  package mutating func fill(from fields: HTTPFields) {
    pairs += fields.pairs.filter { !has($0.name) }
  }

  /// The value of the first field with that name.
  package func first(_ name: String) -> String? {
    pairs.first { Self.isSame($0.name, name) }?.value
  }

  /// The values of all fields with that name.
  package func all(_ name: String) -> [String] {
    pairs.filter { Self.isSame($0.name, name) }.map(\.value)
  }

  /// How often the name stands.
  package func count(_ name: String) -> Int {
    pairs.count { Self.isSame($0.name, name) }
  }

  /// Whether the name stands at all.
  package func has(_ name: String) -> Bool {
    pairs.contains { Self.isSame($0.name, name) }
  }

  /// All values of the name as the one list that they mean (RFC 9110 section 5.3).
  package func joined(_ name: String) -> String? {
    let values = all(name)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// The value of a field that may stand once, or `nil` where it stands nowhere. Twice is a problem: which one counts
  /// would be a guess.
  package func only(_ name: String) throws(HTTPProblem) -> String? {
    guard count(name) <= 1 else { throw .badField(name) }
    return first(name)
  }

  /// The same fields in the same order; the case of names makes no difference.
  package static func == (left: HTTPFields, right: HTTPFields) -> Bool {
    left.pairs.elementsEqual(right.pairs) { isSame($0.name, $1.name) && $0.value == $1.value }
  }

  private static func isSame(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8) { $0.asciiLowercased == $1.asciiLowercased }
  }
}

/// The bare items of structured fields (RFC 9651 section 3.3) that the fields of uploads have.
package enum StructuredItem: Sendable, Equatable {
  /// `?0`, `?1`.
  case boolean(Bool)
  /// Up to 15 digits.
  case integer(Int64)
  /// A word.
  case token(String)
  /// A text in quotes.
  case string(String)
  /// Base64 between colons.
  case bytes([UInt8])
  /// A decimal, a date or a display string: well formed, but no field here has a use for it.
  case other
}

extension HTTPFields {
  /// The item that a field is; `nil` where it is absent or does not parse, which is the same (RFC 9651 section 4.2).
  /// Parameters are skipped.
  package func item(_ name: String) -> StructuredItem? {
    joined(name).flatMap { StructuredField.item($0) }
  }

  /// The boolean that a field is.
  package func boolean(_ name: String) -> Bool? {
    if case .boolean(let value) = item(name) { value } else { nil }
  }

  /// The whole number that a field is; a negative one is as if absent.
  package func natural(_ name: String) -> Int64? {
    if case .integer(let value) = item(name), value >= 0 { value } else { nil }
  }
}

/// Structured fields (RFC 9651), read as far as needed: items and dictionaries; of a member that is an inner list only
/// the end is found.
package enum StructuredField {
  /// The item that a value is.
  package static func item(_ text: String) -> StructuredItem? {
    var parser = StructuredFieldParser(text)
    guard let item = parser.item(), parser.isAtEnd else { return nil }
    return item
  }

  /// The dictionary that a value is: members in order, the last of equal keys in the place of the first. A member that
  /// is a list is ``StructuredItem/other``.
  package static func dictionary(_ text: String) -> [(key: String, item: StructuredItem)]? {
    var parser = StructuredFieldParser(text)
    return parser.dictionary()
  }

  /// A byte sequence as it is written.
  package static func text(_ bytes: [UInt8]) -> String { ":\(Base64.encode(bytes)):" }

  /// A boolean as it is written.
  package static func text(_ isTrue: Bool) -> String { isTrue ? "?1" : "?0" }
}

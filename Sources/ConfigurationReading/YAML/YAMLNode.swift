/// A value of a YAML document, and where it begins (YAML 1.1, section 3.2).
struct YAMLNode {
  enum Content {
    case scalar(text: String, isPlain: Bool)
    case sequence([YAMLNode])
    /// As they stand in the file: a key may stand twice.
    case mapping([(key: YAMLNode, value: YAMLNode)])
  }

  var content: Content
  var place: Place

  /// Whether this is YAML's null: nothing after the colon, or one of the words for it.
  var isNothing: Bool {
    guard case .scalar(let text, isPlain: true) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  /// For a message: what stands here.
  var kind: String {
    switch content {
    case .scalar: isNothing ? "no value" : "a single value"
    case .mapping: "a mapping"
    case .sequence: "a list"
    }
  }
}

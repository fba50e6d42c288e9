/// A value that passed, and where it stands.
package struct Setting<Value> {
  package var value: Value
  package var place: Place

  package init(value: Value, place: Place) {
    self.value = value
    self.place = place
  }
}

/// Reads the keys of one YAML mapping, notes what is wrong with them, and lastly (``finish()``) which of them nobody
/// asked for.
package struct MappingReader {
  /// What messages call the mapping.
  package let name: String
  /// Where a missing key is reported.
  package let place: Place
  package let reading: Reading
  package private(set) var entries: [Entry] = []
  private var known: [String] = []

  /// A key and its value.
  package struct Entry {
    package var key: String
    package var place: Place
    var node: YAMLNode

    /// Whether keys and values stand here.
    package var isMapping: Bool { if case .mapping = node.content { true } else { false } }
    /// The list's items; an entry that is no list counts as a list of one.
    package var items: [Entry] {
      guard case .sequence(let nodes) = node.content else { return [self] }
      return nodes.map { Entry(key: key, place: $0.place, node: $0) }
    }
  }

  /// An empty mapping: all its keys take their defaults.
  package init(emptyNamed name: String, at place: Place, reading: Reading) {
    self.name = name
    self.place = place
    self.reading = reading
  }

  /// Notes keys that are no text, and those that stand twice.
  init(_ pairs: [(key: YAMLNode, value: YAMLNode)], named name: String, at place: Place, reading: Reading) {
    self.init(emptyNamed: name, at: place, reading: reading)
    var firsts: [String: Place] = [:]
    for (keyNode, node) in pairs {
      let keyPlace = keyNode.place
      guard case .scalar(let key, _) = keyNode.content else {
        reading.note("a key of \(name) is a list or a mapping", hint: "write a plain word as key", at: keyPlace)
        continue
      }
      if let first = firsts[key] {
        reading.note(
          "`\(key)` stands twice in \(name), first on line \(first.line)", hint: "keep one of them", at: keyPlace)
        continue
      }
      firsts[key] = keyPlace
      entries.append(Entry(key: key, place: keyPlace, node: node))
    }
  }

  /// Whether the key is there, whatever its value. It is known from then on.
  package mutating func has(_ key: String) -> Bool {
    known.append(key)
    return entry(key) != nil
  }

  /// The key's value; `nil` where it is absent or was no good, which has been noted.
  package mutating func optional<Value>(_ key: String, as parser: ValueParser<Value>) -> Setting<Value>? {
    known.append(key)
    return entry(key).flatMap { value(of: $0, as: parser) }
  }

  /// The key's value; `nil` where it was no good; its absence is a fault too.
  package mutating func required<Value>(_ key: String, as parser: ValueParser<Value>) -> Setting<Value>? {
    known.append(key)
    guard let entry = entry(key) else {
      noteMissing(key, expected: "`\(key):` with \(parser.expected)")
      return nil
    }
    return value(of: entry, as: parser)
  }

  /// The path under the key, whose place is kept (``Reading/remember(_:_:)``); otherwise as ``optional(_:as:)``.
  package mutating func optionalPath(_ key: String, as parser: ValueParser<String>) -> String? {
    let path = optional(key, as: parser)
    reading.remember(key, path)
    return path?.value
  }

  /// The same for a path that has to be there.
  package mutating func requiredPath(_ key: String, as parser: ValueParser<String>) -> String? {
    let path = required(key, as: parser)
    reading.remember(key, path)
    return path?.value
  }

  /// The list's values; a lone value counts as a list of one.
  package mutating func optionalList<Value>(_ key: String, as parser: ValueParser<Value>) -> Setting<[Setting<Value>]>?
  {
    known.append(key)
    guard let entry = entry(key) else { return nil }
    var values: [Setting<Value>] = []
    for item in entry.items {
      guard let value = value(of: item, as: parser) else { return nil }
      values.append(value)
    }
    return Setting(value: values, place: entry.node.place)
  }

  /// The mapping under the key; an empty one where it is absent.
  package mutating func section(_ key: String) -> MappingReader {
    known.append(key)
    guard let entry = entry(key) else { return MappingReader(emptyNamed: "`\(key)`", at: place, reading: reading) }
    return section(entry) ?? MappingReader(emptyNamed: "`\(key)`", at: entry.place, reading: reading)
  }

  /// The mapping under the key; its absence is a fault.
  package mutating func requiredSection(_ key: String, example: String) -> MappingReader? {
    known.append(key)
    guard let entry = entry(key) else {
      noteMissing(key, expected: "`\(key): \(example)`")
      return nil
    }
    return section(entry)
  }

  /// The entry itself, for a key that takes several kinds of value.
  package mutating func optionalEntry(_ key: String) -> Entry? {
    known.append(key)
    return entry(key)
  }

  /// Every entry, where the keys are names of the user's own.
  package mutating func allEntries() -> [Entry] {
    known += entries.map(\.key)
    return entries
  }

  /// The mapping that an entry holds; anything else is a fault.
  package func section(_ entry: Entry) -> MappingReader? {
    guard case .mapping(let pairs) = entry.node.content else {
      reading.note(
        "`\(entry.key)` has \(entry.node.kind) where keys and values belong",
        hint: "write its keys below it, indented, or as `{key: value}`", at: entry.node.place)
      return nil
    }
    return MappingReader(pairs, named: "`\(entry.key)`", at: entry.place, reading: reading)
  }

  /// The entry's value; `nil` where it was no good, which has been noted.
  package func value<Value>(of entry: Entry, as parser: ValueParser<Value>) -> Setting<Value>? {
    let place = entry.node.place
    guard case .scalar(let text, _) = entry.node.content, !entry.node.isNothing else {
      reading.note("`\(entry.key)` has \(entry.node.kind)", hint: "write \(parser.expected)", at: place)
      return nil
    }
    do {
      return Setting(value: try parser.parse(text, reading), place: place)
    } catch {
      reading.note("`\(entry.key)`: \(error.message)", hint: error.hint, at: place)
      return nil
    }
  }

  /// Notes every key that nobody asked for.
  package func finish() {
    var known: [String] = []
    for key in self.known where !known.contains(key) { known.append(key) }
    for entry in entries where !known.contains(entry.key) {
      let hint =
        Suggestion.nearest(to: entry.key, among: known).map { "did you mean `\($0)`?" }
        ?? "\(name) takes \(known.map { "`\($0)`" }.joined(separator: ", "))"
      reading.note("unknown key `\(entry.key)` in \(name)", hint: hint, at: entry.place)
    }
  }

  private func entry(_ key: String) -> Entry? {
    entries.first { $0.key == key }
  }

  private func noteMissing(_ key: String, expected: String) {
    reading.note("\(name) has no `\(key)`", hint: "add \(expected)", at: place)
  }
}

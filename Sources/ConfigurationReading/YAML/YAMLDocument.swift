/// Turns text into YAML nodes, and the parser's complaints into faults.
package enum YAMLDocument {
  /// The document's keys; `nil` where there are none, which has been noted.
  ///
  /// - Parameters:
  ///   - text: the whole file.
  ///   - reading: where faults are noted.
  ///   - beginning: what a person is told to write into a file that says nothing or is no mapping.
  package static func keys(of text: String, reading: Reading, beginning: String) -> MappingReader? {
    switch read(text, reading: reading, beginning: beginning) {
    case nil:
      return nil
    case let node?:
      guard case .mapping(let pairs) = node.content else {
        reading.note("the file has \(node.kind) where keys and values belong", hint: beginning, at: .start)
        return nil
      }
      return MappingReader(pairs, named: "the file", at: .start, reading: reading)
    }
  }

  private static func read(_ text: String, reading: Reading, beginning: String) -> YAMLNode? {
    guard let place = firstControl(in: text) else { return compose(text, reading: reading, beginning: beginning) }
    reading.note("a control character", hint: "remove it; the file is plain UTF-8 text", at: place)
    return nil
  }

  private static func compose(_ text: String, reading: Reading, beginning: String) -> YAMLNode? {
    do throws(YAMLComposer.Problem) {
      if let node = try YAMLComposer.compose(text), !node.isNothing { return node }
      reading.note("the file says nothing", hint: beginning, at: .start)
    } catch {
      let context = error.context.map { ", \($0.words) (line \($0.line))" } ?? ""
      let hint = error.place.map { Self.hint(for: text, at: $0) } ?? "save the file as plain UTF-8 text"
      reading.note("not YAML: \(error.words)\(context)", hint: hint, at: error.place ?? .start)
    }
    return nil
  }

  private static func hint(for text: String, at place: Place) -> String {
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    let nearby = lines.prefix(place.line).suffix(2)
    if nearby.contains(where: { $0.contains("\t") }) { return "indent with spaces; YAML takes no tabs" }
    if nearby.contains(where: { $0.hasPrefix("listen:") && $0.contains("[") }) {
      return "put an address with brackets in quotes: `listen: \"[::1]:8443\"`"
    }
    return "check the indentation, the colons and the quotes here and on the line above"
  }

  private static func firstControl(in text: String) -> Place? {
    var place = Place.start
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": place = Place(line: place.line + 1, column: 0)
      case "\t", "\r": break
      default: if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) { return place }
      }
      place.column += 1
    }
    return nil
  }
}

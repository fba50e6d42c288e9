import Yams

/// Turns text into YAML nodes, and the parser's complaints into faults.
package enum YAMLDocument {
  // The parser gives up at the first key that stands twice. To find the other faults too, the key's first place is
  // overwritten with as many private-use characters, which moves no mark, and the reader reports the second.
  private static let firstHidden: UInt32 = 0xE000
  private static let mostHidden: UInt32 = 256

  /// The document's keys; `nil` where there are none, which has been noted.
  ///
  /// - Parameters:
  ///   - text: the whole file.
  ///   - reading: where faults are noted.
  ///   - beginning: what a person is told to write into a file that says nothing or is no mapping.
  package static func keys(of text: String, reading: Reading, beginning: String) -> MappingReader? {
    switch read(text, reading: reading, beginning: beginning) {
    case .mapping(let mapping):
      return MappingReader(mapping, named: "the file", at: .start, reading: reading)
    case let node?:
      reading.note("the file has \(node.kind) where keys and values belong", hint: beginning, at: .start)
      return nil
    case nil:
      return nil
    }
  }

  private static func read(_ text: String, reading: Reading, beginning: String) -> Node? {
    guard let place = firstControl(in: text) else { return compose(text, reading: reading, beginning: beginning) }
    reading.note("a control character", hint: "remove it; the file is plain UTF-8 text", at: place)
    return nil
  }

  private static func compose(_ original: String, reading: Reading, beginning: String) -> Node? {
    var text = original
    var hidden: UInt32 = 0
    while true {
      do {
        guard let node = try Yams.compose(yaml: text, .basic, .default, .utf8), !node.isNothing else {
          reading.note("the file says nothing", hint: beginning, at: .start)
          return nil
        }
        return node
      } catch let YamlError.duplicatedKeysInMapping(keys, context) {
        let place = Place(line: context.mark.line, column: context.mark.column)
        guard hidden < mostHidden, let key = keys.first,
          let letter = Unicode.Scalar(firstHidden + hidden),
          let changed = hiding(key, at: place, in: text, behind: letter)
        else {
          reading.note("`\(keys.first ?? "a key")` stands twice", hint: "keep one of them", at: place)
          return nil
        }
        let name = String(String.UnicodeScalarView(repeatElement(letter, count: key.unicodeScalars.count)))
        reading.hiddenKeys[name] = reading.hiddenKeys[key] ?? key
        text = changed
        hidden += 1
      } catch let error as YamlError {
        note(error, text: text, reading: reading)
        return nil
      } catch {
        reading.note("\(error)", hint: "correct the YAML", at: .start)
        return nil
      }
    }
  }

  private static func note(_ error: YamlError, text: String, reading: Reading) {
    switch error {
    case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
      .composer(let context, let problem, let mark, _):
      let place = Place(line: mark.line, column: mark.column)
      let detail = context.map { ", \($0.text) (line \($0.mark.line))" } ?? ""
      reading.note("not YAML: \(problem)\(detail)", hint: hint(for: text, at: place), at: place)
    case .reader(let problem, _, _, _):
      reading.note("not YAML: \(problem)", hint: "save the file as plain UTF-8 text", at: .start)
    default:
      reading.note("not YAML: \(error)", hint: "correct the YAML", at: .start)
    }
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

  private static func hiding(_ key: String, at place: Place, in text: String, behind letter: Unicode.Scalar) -> String?
  {
    var scalars = text.unicodeScalars
    var line = 1
    var index = scalars.startIndex
    while line < place.line, index < scalars.endIndex {
      if scalars[index] == "\n" { line += 1 }
      scalars.formIndex(after: &index)
    }
    guard var start = scalars.index(index, offsetBy: place.column - 1, limitedBy: scalars.endIndex) else { return nil }
    if start < scalars.endIndex, scalars[start] == "\"" || scalars[start] == "'" { scalars.formIndex(after: &start) }
    let count = key.unicodeScalars.count
    guard count > 0, let end = scalars.index(start, offsetBy: count, limitedBy: scalars.endIndex),
      scalars[start..<end].elementsEqual(key.unicodeScalars)
    else { return nil }
    scalars.replaceSubrange(start..<end, with: repeatElement(letter, count: count))
    return String(scalars)
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

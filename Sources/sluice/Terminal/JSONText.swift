import FoundationEssentials

/// JSON that goes through any terminal and any log as one line.
enum JSONText {
  /// An object with its keys in order. What a terminal would act upon, and what nobody sees, is escaped and not lost.
  static func line(_ value: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(value) else { return "{}" }
    return escaped(String(decoding: bytes, as: UTF8.self))
  }

  /// Escapes what may stand in a JSON string as it is, but had better not.
  static func escaped(_ json: String) -> String {
    var text = ""
    for scalar in json.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        for unit in String(scalar).utf16 {
          let digits = String(unit, radix: 16)
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

/// What a program said, for the log and for tables.
enum OneLine {
  /// The beginning of it, without line ends and other controls.
  static func of(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control ? " " : Character(scalar)
    }
    return String(text.prefix(200)).split(separator: " ").joined(separator: " ")
  }
}

import ConfigurationReading

/// What a route may be called.
enum RoutePath {
  /// Absolute, of one or more segments of `A-Z a-z 0-9 . _ -`, at most 255 bytes in all; no segment is `.` or `..`.
  static func parse(_ text: String) throws(ValueFault) -> String {
    guard text.hasPrefix("/") else {
      throw ValueFault(message: "does not begin with `/`", hint: "write `/\(text)`")
    }
    guard text.utf8.count <= 255 else {
      throw ValueFault(message: "is longer than 255 bytes", hint: "write a shorter path")
    }
    for segment in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard !segment.isEmpty else {
        throw ValueFault(message: "has an empty segment", hint: "write it without `//` and without a `/` at its end")
      }
      guard segment != ".", segment != ".." else {
        throw ValueFault(message: "has a segment `\(segment)`", hint: "write the path that clients shall name in full")
      }
      guard segment.utf8.allSatisfy(isAllowed) else {
        throw ValueFault(
          message: "has a character that routes cannot have",
          hint: "use letters and digits of ASCII, `.`, `_` and `-` between slashes, as `/upload-file`")
      }
    }
    return text
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

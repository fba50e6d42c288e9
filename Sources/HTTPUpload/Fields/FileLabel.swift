/// A file's own name at the client: a label to show, never a path to open.
///
/// Clients send whole paths (`C:\a\b.txt`, `folder/b.txt`); the label is the last component. A label has no control
/// character and no line separator, is neither empty nor `.` nor `..`, and has at most 255 bytes of UTF-8.
package enum FileLabel {
  /// The most bytes that a label has.
  package static let longest = 255

  /// The label that a name or path gives, unfit characters dropped and the end cut off; `nil` where nothing is left.
  package static func fitting(_ path: String) -> String? {
    var scalars = String.UnicodeScalarView()
    var size = 0
    let component = path.unicodeScalars.split { $0 == "/" || $0 == "\\" }.last ?? []
    for scalar in component where !isUnfit(scalar) {
      size += UTF8.width(scalar)
      if size > longest { break }
      scalars.append(scalar)
    }
    let label = String(scalars)
    return isLabel(label) ? label : nil
  }

  /// Whether a text is a label as it stands.
  package static func isLabel(_ text: String) -> Bool {
    !text.isEmpty && text != "." && text != ".." && text.utf8.count <= longest
      && !text.unicodeScalars.contains { isUnfit($0) || $0 == "/" }
  }

  private static func isUnfit(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
    default: false
    }
  }
}

// For the standard library's own tables of normal form C: without them, Foundation would bring ICU, 34 MiB of it.
@_spi(_Unicode) internal import Swift

/// Makes part of a file's name of what a client says.
enum SafeName {
  /// In bytes.
  static let limit = 100

  /// `text` in normal form C without separators, characters that do not show, and dots, dashes or spaces in front; its end
  /// is cut. `otherwise` where nothing is left.
  static func make(_ text: String?, otherwise: String) -> String {
    var scalars = String.UnicodeScalarView()
    for scalar in (text ?? "")._nfc where !isHidden(scalar) {
      scalars.append(scalar == "/" || scalar == "\\" ? "_" : scalar)
    }
    var safe = ""
    var size = 0
    for character in String(scalars).drop(while: { ".- ".contains($0) }) {
      size += character.utf8.count
      if size > limit { break }
      safe.append(character)
    }
    return safe.isEmpty ? otherwise : safe
  }

  /// A control character, or another that changes how its neighbours show.
  static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    default: false
    }
  }
}

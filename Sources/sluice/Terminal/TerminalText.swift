/// Texts as wide as a terminal shows them.
extension StringProtocol {
  /// How many columns it takes.
  var columns: Int { reduce(0) { $0 + $1.columns } }

  /// As much of it as fits into so many columns.
  func prefix(columns most: Int) -> SubSequence {
    var (left, end) = (most, startIndex)
    while end < endIndex, self[end].columns <= left {
      left -= self[end].columns
      formIndex(after: &end)
    }
    return self[..<end]
  }

  /// The end of it, as much as fits.
  func suffix(columns most: Int) -> SubSequence {
    var (left, start) = (most, endIndex)
    while start > startIndex, case let before = index(before: start), self[before].columns <= left {
      left -= self[before].columns
      start = before
    }
    return self[start...]
  }
}

extension Character {
  /// Two for what East Asian scripts and emoji are drawn with (Unicode Standard Annex 11), else one.
  fileprivate var columns: Int {
    guard let scalar = unicodeScalars.first else { return 0 }
    if scalar.properties.isEmojiPresentation { return 2 }
    switch scalar.value {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3,
      0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
      return 2
    default: return 1
    }
  }
}

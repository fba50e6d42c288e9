/// One character's bytes on their way in.
struct UTF8Sequence {
  /// Continuation bytes that are still to come.
  private var missing: UInt8 = 0
  /// What the next of them may be: narrower than 0x80...0xBF after some first bytes.
  private var least: UInt8 = 0x80
  private var most: UInt8 = 0xBF

  /// Within a character.
  var isOpen: Bool { missing > 0 }

  /// - Returns: whether the byte can be here.
  mutating func take(_ byte: UInt8) -> Bool {
    if missing > 0 {
      guard byte >= least, byte <= most else { return false }
      missing -= 1
      (least, most) = (0x80, 0xBF)
      return true
    }
    switch byte {
    case 0x00...0x7F: return true
    case 0xC2...0xDF: missing = 1
    case 0xE0: (missing, least) = (2, 0xA0)
    case 0xED: (missing, most) = (2, 0x9F)
    case 0xE1...0xEF: missing = 2
    case 0xF0: (missing, least) = (3, 0x90)
    case 0xF1...0xF3: missing = 3
    case 0xF4: (missing, most) = (3, 0x8F)
    default: return false
    }
    return true
  }
}

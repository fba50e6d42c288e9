import TextForms

/// What an upload is known by, from its offer until it is forgotten.
///
/// For a client with neither certificate nor token the key alone is the right to go on with the upload, so it is
/// a secret: logs show ``logID``, never the whole.
package struct UploadKey: Hashable, Codable, Sendable, CustomStringConvertible {
  /// 16 to 128 characters of `A-Z a-z 0-9 - _` (protocol.md, section 3). Safe as a file's name.
  package let text: String

  /// The key a client showed, or `nil` where it cannot be one.
  package init?(_ text: String) {
    guard KeyAlphabet.isKey(text) else { return nil }
    self.text = text
  }

  private init(minted text: String) {
    self.text = text
  }

  /// A new key of 168 random bits from the system's generator behind four characters for the second that it is made in:
  /// keys of one time lie together in the ledger's index, where random ones would each change a page of it. 32
  /// characters, the first a letter or a digit, so that a file of that name is no option to a command.
  ///
  /// - Parameter now: only says which keys are near each other.
  package static func mint(at now: WallTime = WallTime(milliseconds: 0)) -> UploadKey {
    let second = UInt64(bitPattern: now.milliseconds / 1000)
    var generator = SystemRandomNumberGenerator()
    // Six bits a character, from the lowest on.
    let parts: [(bits: UInt64, characters: Int)] = [
      ((second >> 18) % 62, 1), (second >> 12, 1), (second >> 6, 1), (second, 1), (generator.next(), 10),
      (generator.next(), 10), (generator.next(), 8),
    ]
    return UploadKey(
      minted: String(unsafeUninitializedCapacity: 32) { text in
        var end = 0
        for part in parts {
          for place in 0..<part.characters {
            text[end] = KeyAlphabet.characters[Int((part.bits >> UInt64(6 * place)) & 63)]
            end += 1
          }
        }
        return end
      })
  }

  /// The first twelve characters: tells uploads apart in a log, and leaves 120 bits unsaid.
  package var logID: String { String(text.prefix(12)) }

  /// ``logID``: a key that finds its way into a message by chance must not be of use to who reads it.
  package var description: String { logID }
}

/// A stream's key: 16 to 128 of `A-Z a-z 0-9 - _` (protocol.md section 3). Whoever mints one makes it unguessable.
public struct StreamKey: Hashable, Sendable, CustomStringConvertible {
  /// The lengths a key may have, in characters.
  public static let lengths = 16...128

  /// The key. It is a secret: for a client without an identity it alone speaks, so it has no place in a log.
  public let text: String

  /// Takes a key if it has the length and the alphabet.
  public init?(_ text: String) {
    guard Self.lengths.contains(text.utf8.count) else { return nil }
    guard
      text.utf8.allSatisfy({ byte in
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
          true
        default: false
        }
      })
    else { return nil }
    self.text = text
  }

  /// As on the wire.
  public var description: String { text }
}

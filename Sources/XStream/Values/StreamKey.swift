internal import TextForms

/// A stream's key: 16 to 128 of `A-Z a-z 0-9 - _` (protocol.md section 3). Whoever mints one makes it unguessable.
public struct StreamKey: Hashable, Sendable, CustomStringConvertible {
  /// The lengths a key may have, in characters.
  public static let lengths = KeyAlphabet.lengths

  /// The key. It is a secret: for a client without an identity it alone speaks, so it has no place in a log.
  public let text: String

  /// Takes a key if it has the length and the alphabet.
  public init?(_ text: String) {
    guard KeyAlphabet.isKey(text) else { return nil }
    self.text = text
  }

  /// As on the wire.
  public var description: String { text }
}

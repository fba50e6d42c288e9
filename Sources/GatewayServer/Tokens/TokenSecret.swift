import ContentDigests

/// A token as `sluice token add` makes it: `slc_`, an id by which its line is found, `_`, and the secret.
///
/// The prefix is for scanners that look for secrets where none should be: `slc_[a-z2-7]{8}_[a-z2-7]{32}`. The secret has 160
/// random bits. So many cannot be guessed, whatever a guess costs: a hash that is slow on purpose protects secrets that
/// people choose, and would only make each request dear. The salt keeps a hash from telling that two files have one token.
package struct TokenSecret: Sendable {
  /// All of it, as clients show it.
  package let text: String
  /// Says which line of a file is meant; no secret.
  package let id: String

  static let prefix = "slc_"
  static let idLength = 8
  static let secretLength = 32
  /// Of the salt, in bytes.
  static let saltLength = 16
  // RFC 4648, section 6, in lower case: five bits each.
  private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

  /// A new one, of the system's random numbers.
  package static func make() -> TokenSecret {
    var random = SystemRandomNumberGenerator()
    func characters(_ count: Int) -> String {
      String(decoding: (0..<count).map { _ in alphabet[Int(random.next(upperBound: UInt8(32)))] }, as: UTF8.self)
    }
    let id = characters(idLength)
    return TokenSecret(text: prefix + id + "_" + characters(secretLength), id: id)
  }

  private init(text: String, id: String) {
    self.text = text
    self.id = id
  }

  /// `nil` for what was made elsewhere.
  init?(_ text: String) {
    let bytes = text.utf8
    guard bytes.count == Self.prefix.utf8.count + Self.idLength + 1 + Self.secretLength, text.hasPrefix(Self.prefix)
    else { return nil }
    let parts = text.dropFirst(Self.prefix.count).split(separator: "_", omittingEmptySubsequences: false)
    guard parts.count == 2, Self.isID(parts[0]), parts[1].utf8.allSatisfy(Self.alphabet.contains) else { return nil }
    self.init(text: text, id: String(parts[0]))
  }

  static func isID(_ text: some StringProtocol) -> Bool {
    text.utf8.count == idLength && text.utf8.allSatisfy(alphabet.contains)
  }

  static func makeSalt() -> [UInt8] {
    var random = SystemRandomNumberGenerator()
    return (0..<saltLength).map { _ in random.next() }
  }
}

/// What a file keeps of a token.
enum TokenHash: Hashable, Sendable {
  /// SHA-256 of the token.
  case plain([UInt8])
  /// SHA-256 of the salt and the token behind it; the id is part of the token.
  case salted(id: String, salt: [UInt8], [UInt8])

  /// The 32 bytes.
  var bytes: [UInt8] {
    switch self {
    case .plain(let bytes), .salted(_, _, let bytes): bytes
    }
  }

  static func of(_ token: String, salt: [UInt8] = []) -> [UInt8] {
    let hasher = SHA256Hasher()
    salt.withUnsafeBytes { hasher.update($0) }
    var token = token
    token.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
    return hasher.finish()
  }

  /// In a time that does not depend on where they differ.
  static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    guard one.count == other.count else { return false }
    return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}

import ConfigurationReading
import ContentDigests
import GatewayCore
import TextForms

/// What a line of a token file says: `NAME HASH`, and behind that what bounds the token, each as `KEY=VALUE`.
struct TokenLine: Hashable, Sendable {
  var name: String
  var hash: TokenHash
  var group: String?
  /// In the order of the file; `nil` for all.
  var routes: [String]?
  var createdAt: WallTime?
  var expiresAt: WallTime?
  /// When it was taken away; such a line only keeps what there was.
  var revokedAt: WallTime?

  /// What the core is told.
  var holder: TokenHolder {
    TokenHolder(id: hash.bytes, name: name, group: group, routes: routes.map { Set($0) }, expiresAt: expiresAt)
  }

  /// The id that `sluice token` calls it by: of older tokens the beginning of their hash.
  var id: String {
    switch hash {
    case .plain(let digest): Hexadecimal.text(digest.prefix(4))
    case .salted(let id, _, _): id
    }
  }

  /// As it stands in a file.
  var text: String {
    let hash =
      switch hash {
      case .plain(let digest): Hexadecimal.text(digest)
      case .salted(let id, let salt, let digest):
        "\(Self.scheme):\(id):\(Hexadecimal.text(salt)):\(Hexadecimal.text(digest))"
      }
    return ([name, hash] + attributes.map { "\($0.key)=\($0.value)" }).joined(separator: " ")
  }

  /// What marks a line whose token was taken away.
  static func revocation(at now: WallTime) -> String { "revoked=\(moment(now))" }

  private static func moment(_ time: WallTime) -> String { RFC3339(milliseconds: time.milliseconds).textInSeconds }

  private var attributes: [(key: String, value: String)] {
    [
      ("group", group), ("routes", routes?.joined(separator: ",")), ("created", createdAt.map(Self.moment)),
      ("expires", expiresAt.map(Self.moment)), ("revoked", revokedAt.map(Self.moment)),
    ].compactMap { key, value in value.map { (key, $0) } }
  }

  private static let scheme = "sha256"

  /// What names and groups are made of.
  static func isName(_ text: some StringProtocol) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._@-".contains($0)) }
  }

  static let nameHint = "use up to 64 of the ASCII letters and digits, `.`, `_`, `@`, `-`"
}

extension TokenLine {
  /// - Parameter words: of a line without its comment; at least one.
  init(_ words: [Substring]) throws(ValueFault) {
    guard words.count >= 2 else {
      throw ValueFault(message: "expected two words", hint: "write `NAME SHA256-HEX-OF-TOKEN`")
    }
    guard Self.isName(words[0]) else {
      throw ValueFault(message: "`\(words[0])` cannot be a name", hint: Self.nameHint)
    }
    self.init(name: String(words[0]), hash: try Self.hash(words[1]))
    var keys: Set<Substring> = []
    for word in words.dropFirst(2) {
      // A word is not repeated before its key is known: somebody may have written the token itself.
      guard let equals = word.firstIndex(of: "=") else {
        throw ValueFault(
          message: "a word behind the hash that is no `KEY=VALUE`", hint: "remove it, or put a `#` in front")
      }
      let key = word[..<equals]
      try take(key, word[word.index(after: equals)...])
      guard keys.insert(key).inserted else {
        throw ValueFault(message: "`\(key)` stands twice", hint: "keep one of them")
      }
    }
  }

  private static func hash(_ word: Substring) throws(ValueFault) -> TokenHash {
    let parts = word.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 1, let digest = Hexadecimal.bytes(word), digest.count == SHA256Hasher.digestByteCount {
      return .plain(digest)
    }
    if parts.count == 4, parts[0] == scheme, TokenSecret.isID(parts[1]), let salt = Hexadecimal.bytes(parts[2]),
      salt.count == TokenSecret.saltLength, let digest = Hexadecimal.bytes(parts[3]),
      digest.count == SHA256Hasher.digestByteCount
    {
      return .salted(id: String(parts[1]), salt: salt, digest)
    }
    throw ValueFault(
      message: "the second word is not a SHA-256 of 64 hexadecimal digits, nor what `sluice token add` writes",
      hint: "write what `printf %s TOKEN | sha256sum` prints, or run `sluice token add`")
  }

  private mutating func take(_ key: Substring, _ value: Substring) throws(ValueFault) {
    switch key {
    case "group":
      guard Self.isName(value) else {
        throw ValueFault(message: "`group`: this cannot be a group", hint: Self.nameHint)
      }
      group = String(value)
    case "routes":
      var paths: [String] = []
      for path in value.split(separator: ",", omittingEmptySubsequences: false) {
        do throws(ValueFault) {
          paths.append(try RoutePath.parse(String(path)))
        } catch {
          throw ValueFault(
            message: "`routes`: a path \(error.message)", hint: "write paths with commas between, as `/a,/b`")
        }
      }
      routes = paths
    case "created": createdAt = try moment(key, value)
    case "expires": expiresAt = try moment(key, value)
    case "revoked": revokedAt = try moment(key, value)
    default:
      throw ValueFault(
        message: "unknown word behind the hash",
        hint: "a line takes `group=`, `routes=`, `created=`, `expires=`, `revoked=`")
    }
  }

  private func moment(_ key: Substring, _ value: Substring) throws(ValueFault) -> WallTime {
    guard let milliseconds = RFC3339.milliseconds(of: value) else {
      throw ValueFault(
        message: "`\(key)`: this is no moment", hint: "write it as `2027-01-31T12:00:00Z`, or `2027-01-31`")
    }
    return WallTime(milliseconds: milliseconds)
  }
}

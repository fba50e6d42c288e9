package import ConfigurationReading
package import GatewayCore
import Glibc

/// The tokens that routes take, by their hashes: the file does not give away what it lets in.
///
/// A line is `NAME SHA256-HEX-OF-TOKEN`, or what `sluice token add` writes; `#` begins a comment. A name may stand on several
/// lines, so that a client can change from one token to the next.
package struct TokenFile: TokenDirectory {
  /// What its faults call it.
  package let file: String
  /// The tokens, each with the number of its line; revoked ones too.
  let lines: [(number: Int, line: TokenLine)]
  // A lookup may take a time that depends on the digest: who could use that would have to choose digests, and so to
  // find tokens for them.
  private let holders: [[UInt8]: TokenHolder]
  private let salted: [String: (salt: [UInt8], digest: [UInt8])]
  private static let largest = 4 << 20

  /// Reads the file.
  ///
  /// - Parameter path: a file that others than its owner and group can neither read nor write.
  /// - Throws: all its faults, by line.
  package init(path: String) throws(ConfigurationFaults) {
    try self.init(text: try Self.text(of: path), file: path)
  }

  /// The file's text.
  static func text(of path: String) throws(ConfigurationFaults) -> String {
    do throws(ValueFault) {
      return try TextFile.read(path, largest: largest) { status throws(ValueFault) in
        let mode = status.st_mode & 0o777
        guard mode & 0o007 == 0 else {
          throw ValueFault(
            message: "other users of this machine can get at the tokens (mode 0\(String(mode, radix: 8)))",
            hint: "run `chmod 0640 \(path)`, or 0600")
        }
      }
    } catch {
      let fault = ConfigurationFault(file: path, line: 0, column: 0, message: error.message, hint: error.hint)
      throw ConfigurationFaults([fault], mainFile: path)
    }
  }

  /// Reads the file's text.
  ///
  /// - Parameters:
  ///   - file: what faults call it.
  ///   - mayBeEmpty: whether it is no fault that there is no token.
  init(text: String, file: String, mayBeEmpty: Bool = false) throws(ConfigurationFaults) {
    var lines: [(number: Int, line: TokenLine)] = []
    var faults: [ConfigurationFault] = []
    var seen: Set<[UInt8]> = []
    var ids: Set<String> = []
    for (index, text) in TokenText.bodies(of: text).enumerated() {
      let words = TokenText.words(of: text)
      if words.isEmpty { continue }
      do throws(ValueFault) {
        let line = try TokenLine(words)
        var isNew = seen.insert(line.hash.bytes).inserted
        if case .salted(let id, _, _) = line.hash { isNew = ids.insert(id).inserted && isNew }
        guard isNew else {
          throw ValueFault(message: "this token stands here twice", hint: "remove one of the lines")
        }
        lines.append((index + 1, line))
      } catch {
        faults.append(
          ConfigurationFault(file: file, line: index + 1, column: 1, message: error.message, hint: error.hint))
      }
    }
    if lines.isEmpty && faults.isEmpty && !mayBeEmpty {
      faults.append(
        ConfigurationFault(
          file: file, line: 0, column: 0, message: "no token in it, so nobody could use one",
          hint: "run `sluice token add NAME --tokens \(file)`"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults, mainFile: file) }
    self.file = file
    self.lines = lines
    let good = lines.map(\.line).filter { $0.revokedAt == nil }
    holders = Dictionary(good.map { ($0.hash.bytes, $0.holder) }, uniquingKeysWith: { first, _ in first })
    var salted: [String: (salt: [UInt8], digest: [UInt8])] = [:]
    for case .salted(let id, let salt, let digest) in good.map(\.hash) { salted[id] = (salt, digest) }
    self.salted = salted
  }

  /// See ``/GatewayCore/TokenDirectory``. A token that has an id is hashed once, with the salt of its line.
  package func holder(of token: String) -> TokenHolder? {
    if let secret = TokenSecret(token), let entry = salted[secret.id],
      TokenHash.areEqual(TokenHash.of(token, salt: entry.salt), entry.digest)
    {
      return holders[entry.digest]
    }
    // A salted hash is not found by a plain one: nobody has two texts with the same.
    return holders[TokenHash.of(token)]
  }

  /// See ``/GatewayCore/TokenDirectory``.
  package func current(_ earlier: TokenHolder) -> TokenHolder? { holders[earlier.id] }
}

/// A token file as text.
enum TokenText {
  /// Its lines without their ends.
  static func bodies(of text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }

  /// What a line says before its comment.
  static func words(of line: Substring) -> [Substring] {
    line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
  }
}

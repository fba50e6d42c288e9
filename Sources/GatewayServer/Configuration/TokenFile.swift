package import ConfigurationReading
import ContentDigests
import GatewayCore
import TextForms
import Glibc

/// The tokens that a route takes, by their SHA-256: the file does not give away what it lets in.
///
/// A line is `NAME SHA256-HEX-OF-TOKEN`; `#` begins a comment. A name may stand on several lines, so that a client can
/// change from one token to the next.
package struct TokenFile: TokenDirectory {
  // A lookup may take a time that depends on the digest: who could use that would have to choose digests, and so to
  // find tokens for them.
  private let names: [[UInt8]: String]
  private static let largest = 4 << 20

  /// Reads the file.
  ///
  /// - Parameter path: a file that others than its owner and group can neither read nor write.
  /// - Throws: all its faults, by line.
  package init(path: String) throws(ConfigurationFaults) {
    let text: String
    do {
      text = try TextFile.read(path, largest: Self.largest) { status throws(ValueFault) in
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
    try self.init(text: text, file: path)
  }

  /// Reads the file's text; `file` is what faults call it.
  init(text: String, file: String) throws(ConfigurationFaults) {
    var names: [[UInt8]: String] = [:]
    var faults: [ConfigurationFault] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
      if words.isEmpty { continue }
      do throws(ValueFault) {
        let (name, digest) = try Self.entry(words)
        guard names[digest] == nil else {
          throw ValueFault(message: "this token stands here twice", hint: "remove one of the lines")
        }
        names[digest] = name
      } catch {
        faults.append(
          ConfigurationFault(file: file, line: index + 1, column: 1, message: error.message, hint: error.hint))
      }
    }
    if names.isEmpty && faults.isEmpty {
      faults.append(
        ConfigurationFault(
          file: file, line: 0, column: 0, message: "no token in it, so nobody could use one",
          hint: "add a line `NAME SHA256-HEX-OF-TOKEN`; `printf %s TOKEN | sha256sum` prints the second word"))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults, mainFile: file) }
    self.names = names
  }

  /// The name that `token` is registered under, or `nil` for one that nobody registered.
  package func name(of token: String) -> String? {
    var token = token
    let hasher = SHA256Hasher()
    token.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
    return names[hasher.finish()]
  }

  private static func entry(_ words: [Substring]) throws(ValueFault) -> (String, [UInt8]) {
    guard words.count == 2 else {
      throw ValueFault(message: "expected two words", hint: "write `NAME SHA256-HEX-OF-TOKEN`")
    }
    let name = words[0]
    guard name.utf8.count <= 64, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._@-".contains($0)) })
    else {
      throw ValueFault(
        message: "`\(name)` cannot be a name", hint: "use up to 64 of the ASCII letters and digits, `.`, `_`, `@`, `-`")
    }
    // The word is not repeated in the message: somebody may have written the token itself.
    guard let digest = Hexadecimal.bytes(words[1]), digest.count == SHA256Hasher.digestByteCount else {
      throw ValueFault(
        message: "the second word is not a SHA-256 of 64 hexadecimal digits",
        hint: "write what `printf %s TOKEN | sha256sum` prints")
    }
    return (String(name), digest)
  }
}

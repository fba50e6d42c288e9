import ConfigurationReading
import Glibc
import HTTPUpload

/// A file of secrets, and what is in it.
struct WebhookSecretFile {
  /// Absolute.
  let path: String
  let secrets: WebhookSecrets
}

extension ValueParser where Value == WebhookSecretFile {
  /// A file with a secret on each line, as Standard Webhooks write them: `whsec_` and 24 to 64 bytes in base64. Nothing of it
  /// is in any message.
  static var webhookSecrets: ValueParser {
    ValueParser(expected: "the path of a file with `whsec_` and 32 random bytes in base64") {
      text, reading throws(ValueFault) in
      let path = try reading.absolute(checking: text)
      guard reading.checksFiles else { return WebhookSecretFile(path: path, secrets: WebhookSecrets(keys: [])) }
      do throws(ValueFault) {
        let text = try TextFile.read(path, largest: 4096) { status throws(ValueFault) in
          let mode = status.st_mode & 0o777
          guard mode & 0o007 == 0 else {
            throw ValueFault(
              message: "other users of this machine can get at the secret (mode 0\(String(mode, radix: 8)))",
              hint: "run `chmod 0640 \(path)`, or 0600")
          }
        }
        return WebhookSecretFile(path: path, secrets: WebhookSecrets(keys: try keys(of: text)))
      } catch {
        throw ValueFault(message: "`\(path)` \(error.message)", hint: error.hint)
      }
    }
  }

  private static func keys(of text: String) throws(ValueFault) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let word = line.drop { $0.isWhitespace }.prefix { !$0.isWhitespace }
      if word.isEmpty || word.hasPrefix("#") { continue }
      let encoded = word.hasPrefix("whsec_") ? word.dropFirst("whsec_".count) : word
      guard let key = Base64.decode(encoded), (24...64).contains(key.count) else {
        throw ValueFault(
          message: "has no secret on line \(index + 1): 24 to 64 bytes in base64 are one",
          hint: "make one: `printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\"`")
      }
      keys.append(key)
    }
    guard !keys.isEmpty else {
      throw ValueFault(
        message: "is empty", hint: "make a secret: `printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\"`")
    }
    return keys
  }
}

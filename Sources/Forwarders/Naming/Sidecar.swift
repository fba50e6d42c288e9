internal import GatewayCore
internal import Glibc

/// What is known of a complete upload, as a file of JSON beside it.
struct Sidecar {
  /// One object, and a line's end.
  let text: String

  /// - Parameter path: below the store's directory.
  init(_ upload: SinkUpload, size: Int64, stored: Int64, digest: ContentDigest?, path: String) {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let finishedAt = WallTime(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000)
    var fields: [(String, String?)] = [
      ("route", Self.quoted(upload.facts.route)),
      ("key", Self.quoted(upload.key.text)),
      ("name", upload.facts.label.map(Self.quoted)),
      ("path", Self.quoted(path)),
      ("size", String(size)),
      ("stored", String(stored)),
    ]
    fields += [
      ("sha256", digest.map { Self.quoted(Self.hexadecimal($0.bytes)) }),
      ("format", Self.quoted(upload.facts.format.rawValue)),
      ("client", Self.quoted(upload.client.subject)),
      ("createdAt", Self.quoted(CalendarTime(upload.facts.createdAt).text)),
      ("finishedAt", Self.quoted(CalendarTime(finishedAt).text)),
    ]
    text = "{" + fields.map { "\"\($0)\": \($1 ?? "null")" }.joined(separator: ", ") + "}\n"
  }

  /// A JSON string (RFC 8259, section 7).
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

internal import GatewayCore
internal import Glibc
internal import TextForms

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
      ("route", JSONString.quoted(upload.facts.route)),
      ("key", JSONString.quoted(upload.key.text)),
      ("name", upload.facts.label.map(JSONString.quoted)),
      ("path", JSONString.quoted(path)),
      ("size", String(size)),
      ("stored", String(stored)),
    ]
    fields += [
      ("sha256", digest.map { JSONString.quoted(Hexadecimal.text($0.bytes)) }),
      ("format", JSONString.quoted(upload.facts.format.rawValue)),
      ("client", JSONString.quoted(upload.client.subject)),
      ("createdAt", JSONString.quoted(RFC3339(milliseconds: upload.facts.createdAt.milliseconds).text)),
      ("finishedAt", JSONString.quoted(RFC3339(milliseconds: finishedAt.milliseconds).text)),
    ]
    text = "{" + fields.map { "\"\($0)\": \($1 ?? "null")" }.joined(separator: ", ") + "}\n"
  }
}

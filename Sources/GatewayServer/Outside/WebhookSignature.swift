import ContentDigests
import HTTPUpload

extension WebhookSecrets {
  /// The header fields of Standard Webhooks (version 1) for a message: its id, the moment of this try, and one signature for
  /// each secret.
  ///
  /// - Parameter seconds: now, since 1970.
  func fields(id: String, body: String, at seconds: Int64) -> [(name: String, value: String)] {
    let signed = Array("\(id).\(seconds).\(body)".utf8)
    let signatures = keys.map { "v1,\(Base64.encode(SHA256Hasher.authenticationCode(of: signed, key: $0)))" }
    return [
      ("webhook-id", id), ("webhook-timestamp", "\(seconds)"), ("webhook-signature", signatures.joined(separator: " ")),
    ]
  }
}

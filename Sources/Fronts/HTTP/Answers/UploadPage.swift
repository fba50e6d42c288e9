import ContentDigests
import HTTPUpload
import NIOCore

/// The page that browsers get, with the fields that go with it.
struct UploadPage: Sendable {
  static let shared = UploadPage(html: String(decoding: PackageResources.upload_html, as: UTF8.self))

  let bytes: ByteBuffer
  let fields: HTTPFields
  let entityTag: String

  init(html: String) {
    bytes = ByteBuffer(string: html)
    entityTag = "\"" + Self.digest(html).prefix(22).replacing("/", with: "_") + "\""
    let policy = [
      "default-src 'none'", "script-src \(Self.sources(html, "script"))", "style-src \(Self.sources(html, "style"))",
      "connect-src 'self'", "img-src data:", "worker-src blob:", "form-action 'self'", "base-uri 'none'",
      "frame-ancestors 'none'",
    ]
    fields = [
      "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy.joined(separator: "; "),
      "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache", "ETag": entityTag,
      "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    ]
  }

  /// What a policy has to allow so that the page's own element runs (CSP 3, section 2.3.1).
  private static func sources(_ html: String, _ element: String) -> String {
    guard let start = html.firstRange(of: "<\(element)>"), let end = html.firstRange(of: "</\(element)>") else {
      return "'none'"
    }
    return "'sha256-\(digest(String(html[start.upperBound..<end.lowerBound])))'"
  }

  private static func digest(_ text: String) -> String {
    let hasher = SHA256Hasher()
    hasher.update(ByteBuffer(string: text))
    return Base64.encode(hasher.finish())
  }
}

import ContentDigests
import HTTPUpload
import NIOCore

/// The page for operators, with the policy that lets nothing but its own script and style run.
enum LivePage {
  static let html = String(decoding: PackageResources.live_html, as: UTF8.self)

  static let fields: [(name: String, value: String)] = {
    let policy = [
      "default-src 'none'", "script-src \(source("script"))", "style-src \(source("style"))", "connect-src 'self'",
      "img-src data:", "form-action 'none'", "base-uri 'none'", "frame-ancestors 'none'",
    ]
    return [
      ("Content-Security-Policy", policy.joined(separator: "; ")), ("Referrer-Policy", "no-referrer"),
      ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin"),
    ]
  }()

  /// What a policy has to allow so that the page's own element runs (CSP 3, section 2.3.1).
  private static func source(_ element: String) -> String {
    guard let start = html.firstRange(of: "<\(element)>"), let end = html.firstRange(of: "</\(element)>") else {
      return "'none'"
    }
    let hasher = SHA256Hasher()
    hasher.update(ByteBuffer(string: String(html[start.upperBound..<end.lowerBound])))
    return "'sha256-\(Base64.encode(hasher.finish()))'"
  }
}

import NIOCore
package import XStream

/// Where uploads go: a URL and the address it was found to have.
struct Target: Sendable {
  var url: XStreamURL
  var address: SocketAddress
}

/// An address that uploads go to. What is spoken there each upload says for itself, so `https://HOST[:PORT]/ROUTE` is as good as
/// `xstream://HOST[:PORT]/ROUTE`; they differ in the port that need not be written.
package enum TargetAddress {
  /// Reads an address.
  package static func url(_ text: String) throws(XStreamURLError) -> XStreamURL {
    guard isHTTPS(text) else { return try XStreamURL(text) }
    let rest = text.dropFirst(https.count)
    let authority = rest.prefix { $0 != "/" }
    let hasPort = authority.drop { $0 != "]" }.contains(":") || !authority.contains("]") && authority.contains(":")
    return try XStreamURL("xstream://\(authority)\(hasPort ? "" : ":443")\(rest.dropFirst(authority.count))")
  }

  /// The address as reports show it.
  package static func text(_ text: String) throws(XStreamURLError) -> String {
    let url = try url(text)
    return isHTTPS(text) ? "\(https)\(url.authority)\(url.route)" : url.description
  }

  private static let https = "https://"

  private static func isHTTPS(_ text: String) -> Bool { text.prefix(https.count).lowercased() == https }
}

import HTTPUpload
import XStream

/// Whom a client speaks to, and how it showed who it is: for messages.
struct Counterpart: Sendable {
  let host: String
  /// Host and port.
  let authority: String
  let route: String
  let isHTTPS: Bool
  let showsToken: Bool
  let showsCertificate: Bool

  init(url: XStreamURL, showsToken: Bool, showsCertificate: Bool) {
    (host, authority, route, isHTTPS) = (url.host, url.authority, url.route, false)
    (self.showsToken, self.showsCertificate) = (showsToken, showsCertificate)
  }

  init(url: HTTPSURL, showsToken: Bool, showsCertificate: Bool) {
    (host, authority, route, isHTTPS) = (url.host, url.authority, url.path, true)
    (self.showsToken, self.showsCertificate) = (showsToken, showsCertificate)
  }
}

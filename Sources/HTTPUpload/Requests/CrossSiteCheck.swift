/// Which requests of other origins' pages are taken, and which answers those pages may read.
///
/// Client certificates, an address and a place in a network come with every request of a browser, whichever page asks.
/// A form of a foreign page is sent without a preflight, so what would change something is refused here.
package struct CrossSiteCheck: Sendable, Equatable {
  /// The origins that may upload (`https://app.example`); `*` is every one.
  package let origins: [String]
  /// Whether pages of those origins may send the browser's credentials. Never with `*`.
  package let credentials: Bool

  /// Takes a route's `cors`; none is off.
  package init(origins: [String] = [], credentials: Bool = false) {
    self.origins = origins.map { $0.asciiLowercased }
    self.credentials = credentials && !origins.contains("*")
  }

  private static let unsafeMethods = ["PUT", "POST", "PATCH", "DELETE"]

  private static let exposed = [
    "Location", "Upload-Offset", "Upload-Length", "Upload-Complete", "Upload-Incomplete", "Upload-Limit",
    "Upload-Metadata", "Upload-Defer-Length", "Upload-Concat", "Upload-Expires", "Upload-Draft-Interop-Version",
    "Tus-Version", "Tus-Resumable", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm", "Repr-Digest",
    "Content-Digest", "Want-Repr-Digest", "Want-Content-Digest", "Retry-After",
  ]

  private static let sendable = [
    "Authorization", "Content-Type", "Content-Disposition", "Content-Digest", "Repr-Digest", "Want-Repr-Digest",
    "Want-Content-Digest", "Tus-Resumable", "Upload-Length", "Upload-Offset", "Upload-Metadata", "Upload-Defer-Length",
    "Upload-Concat",
    "Upload-Checksum", "Upload-Complete", "Upload-Incomplete", "Upload-Draft-Interop-Version",
    "X-HTTP-Method-Override", "X-Request-ID", "X-Requested-With",
  ]

  /// Decides a request.
  ///
  /// - Parameter own: the origin of this host (``Authority/origin``); `nil` where the request names no host.
  /// - Returns: the fields of CORS for its answer. A refusal for another reason has them too: a page that may ask may
  ///   read why not.
  /// - Throws: ``HTTPProblem/crossSite``.
  package func check(method: String, fields: HTTPFields, own: String?) throws(HTTPProblem) -> HTTPFields {
    let origin = fields.first("Origin")?.asciiLowercased
    let isListed = origin.map(allows) ?? false
    if Self.unsafeMethods.contains(method), !isListed {
      if let site = fields.first("Sec-Fetch-Site") {
        // `none` is what the user does, such as a bookmark. A browser that says `same-site` means another origin.
        guard site == "same-origin" || site == "none" else { throw .crossSite }
      } else if let origin, origin != own {
        throw .crossSite
      }
    }
    return answerFields(origin: origin, isListed: isListed)
  }

  /// Whether a request is the question of a browser before a page's own request.
  package static func isPreflight(method: String, fields: HTTPFields) -> Bool {
    method == "OPTIONS" && fields.has("Origin") && fields.has("Access-Control-Request-Method")
  }

  /// The fields that answer a preflight; without CORS in them where the origin may not upload.
  package func preflight(_ fields: HTTPFields, methods: [String]) -> HTTPFields {
    let origin = fields.first("Origin")?.asciiLowercased
    guard let origin, allows(origin) else { return answerFields(origin: origin, isListed: false) }
    var answer = permission(for: origin)
    answer.append("Access-Control-Allow-Methods", methods.joined(separator: ", "))
    answer.append("Access-Control-Allow-Headers", Self.sendable.joined(separator: ", "))
    answer.append("Access-Control-Max-Age", "7200")
    return answer
  }

  private func allows(_ origin: String) -> Bool {
    // `null` is what pages without an origin have: sandboxed frames and files, of whoever.
    origins.contains(origin) || origins.contains("*") && origin != "null"
  }

  private func answerFields(origin: String?, isListed: Bool) -> HTTPFields {
    // The answer depends on the origin wherever there is a list, so a cache has to know that of every answer.
    guard let origin, isListed else { return origins.isEmpty ? [:] : ["Vary": "Origin"] }
    var answer = permission(for: origin)
    answer.append("Access-Control-Expose-Headers", Self.exposed.joined(separator: ", "))
    return answer
  }

  private func permission(for origin: String) -> HTTPFields {
    var answer: HTTPFields = ["Access-Control-Allow-Origin": origin, "Vary": "Origin"]
    if credentials { answer.append("Access-Control-Allow-Credentials", "true") }
    return answer
  }
}

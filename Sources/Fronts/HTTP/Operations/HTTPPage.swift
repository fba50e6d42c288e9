import HTTPUpload
import NIOCore

/// GET of a route: the page for browsers.
final class HTTPPage: HTTPQuestion {
  override func begin() {
    guard exchange.front.settings.hasPage, Self.takesHTML(exchange.fields) else {
      return refused(.notAcceptable(offered: "text/html"))
    }
    let page = UploadPage.shared
    if exchange.fields.first("If-None-Match") == page.entityTag {
      return exchange.respond(status: 304, page.fields)
    }
    exchange.respond(status: 200, page.fields, page.bytes)
  }

  /// Whether a browser asks, and not a program that takes anything.
  static func wantsHTML(_ fields: HTTPFields) -> Bool {
    fields.joined("Accept")?.split(separator: ",").contains {
      $0.split(separator: ";").first?.filter { $0 != " " } == "text/html"
    } ?? false
  }

  static func takesHTML(_ fields: HTTPFields) -> Bool {
    guard let accept = fields.joined("Accept") else { return false }
    return accept.split(separator: ",").contains { part in
      let type = part.split(separator: ";").first?.filter { $0 != " " } ?? ""
      return type == "text/html" || type == "*/*" || type == "text/*"
    }
  }
}

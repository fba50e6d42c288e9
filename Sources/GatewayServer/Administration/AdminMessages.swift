import NIOHTTP1

/// What an operator, or an operator's program, asks of a gateway.
struct AdminRequest: Sendable {
  var method: HTTPMethod
  /// Without what follows a question mark.
  var path: String
  var fields: HTTPHeaders

  init(_ head: HTTPRequestHead) {
    method = head.method
    path = String(head.uri.prefix { $0 != "?" })
    fields = head.headers
  }
}

/// What it is answered.
struct AdminAnswer: Sendable {
  var status: HTTPResponseStatus
  var type: String
  var body: String
  /// Beside `Content-Type` and what every answer has.
  var fields: [(name: String, value: String)] = []

  /// A line for people.
  static func text(_ status: HTTPResponseStatus, _ line: String) -> AdminAnswer {
    AdminAnswer(status: status, type: "text/plain; charset=utf-8", body: line + "\n")
  }
}

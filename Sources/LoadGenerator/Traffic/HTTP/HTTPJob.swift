import HTTPUpload

/// One request.
struct HTTPJob {
  /// Which bytes of the upload are its content.
  enum Body: Equatable {
    case none
    /// So many, with a `Content-Length`.
    case known(Range<Int64>)
    /// From there to the end, without one.
    case chunked(from: Int64)
  }

  var method: String
  /// Path on the target's host.
  var path: String
  var fields: HTTPFields
  var body = Body.none

  /// The bytes that it brings, of an upload of that size.
  func range(of size: Int64) -> Range<Int64>? {
    switch body {
    case .none: nil
    case .known(let range): range
    case .chunked(let start): start..<size
    }
  }
}

/// A final answer, with as much of its body as tells why.
struct HTTPAnswer {
  var status: Int
  var fields: HTTPFields
  var body = ""

  var isSuccess: Bool { status / 100 == 2 }

  /// For a person.
  var text: String {
    member("detail") ?? member("title") ?? "status \(status)"
  }

  /// Whether it is a problem of that type (RFC 9457).
  func isProblem(_ name: String) -> Bool { member("type")?.hasSuffix("#" + name) ?? false }

  /// A text of the problem. Gateways of other make may have escapes in it, which stay.
  private func member(_ name: String) -> String? {
    guard fields.contentType?.essence == "application/problem+json",
      let start = body.firstRange(of: "\"\(name)\":")?.upperBound
    else { return nil }
    let value = body[start...].drop { $0 == " " }
    guard value.first == "\"" else { return nil }
    return String(value.dropFirst().prefix { $0 != "\"" })
  }
}

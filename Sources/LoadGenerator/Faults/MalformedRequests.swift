import NIOCore

/// What no server may take for a request (RFC 9112), or for frames of HTTP/2 (RFC 9113).
enum MalformedRequests {
  /// One of ten kinds.
  static func request(_ route: String, using random: inout SeededRandom) -> ByteBuffer {
    let kinds = requests(route)
    return ByteBuffer(string: kinds[Int.random(in: 0..<kinds.count, using: &random)])
  }

  static func requests(_ route: String) -> [String] {
    let head = "PUT \(route)/load HTTP/1.1\r\nHost: localhost\r\n"
    return [
      // Another protocol, of another version, or none.
      "headers:\n    route: \(route)\npayload: -\n\n",
      "PUT \(route)/load HTTP/3.0\r\nHost: localhost\r\n\r\n",
      // Two lengths, two ways to frame, and a length that is none.
      head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      head + "Content-Length: +5\r\n\r\nhello",
      // A coding behind the last one.
      head + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      // No host, and two.
      "PUT \(route)/load HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
      head + "Host: elsewhere\r\nContent-Length: 0\r\n\r\n",
      // A blank before the colon, and a head without an end.
      head + "Content-Length : 0\r\n\r\n",
      head + "X-Filler: " + String(repeating: "a", count: 100_000),
    ]
  }

  /// One of four kinds.
  static func frames(using random: inout SeededRandom) -> ByteBuffer {
    let preface = ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    // Length, type, flags and stream of each frame (RFC 9113, section 4.1).
    let kinds: [[UInt8]] = [
      // Settings of five bytes.
      [0, 0, 5, 4, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5],
      // Data of a stream that nobody opened.
      [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0],
      // A frame that is too large.
      [0, 0, 0, 4, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1],
      // A head that HPACK does not know.
      [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 2, 1, 5, 0, 0, 0, 1, 0xFF, 0xFF],
    ]
    var bytes = preface
    bytes.writeBytes(kinds[Int.random(in: 0..<kinds.count, using: &random)])
    return bytes
  }
}

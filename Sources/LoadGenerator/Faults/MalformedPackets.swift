import NIOCore

/// What no server may take for a packet (protocol.md section 2), or for one that is allowed (sections 3 and 4).
enum MalformedPackets {
  /// One of ten kinds.
  static func packet(route: String, using random: inout SeededRandom) -> ByteBuffer {
    let kinds = kinds(route: route)
    return ByteBuffer(string: kinds[Int.random(in: 0..<kinds.count, using: &random)])
  }

  static func kinds(route: String) -> [String] {
    let open = "    route: \(route)\n    data-format: bytes\n"
    return [
      // Another protocol.
      "GET \(route) HTTP/1.1\r\nHost: localhost\r\n\r\n",
      // A header twice.
      "headers:\n\(open)    route: \(route)\n    x-stream: 10:10\npayload: -\n",
      // No number, or one with a leading zero.
      "headers:\n\(open)    x-stream: 1e3:10\npayload: -\n",
      "headers:\n\(open)    x-stream: 010:10\npayload: -\n",
      // A header that begins at the margin.
      "headers:\nroute: \(route)\npayload: -\n",
      // A control character in a value.
      "headers:\n\(open)    x-stream: 10:10\n    x-stream-name: a\u{1}b\npayload: -\n",
      // More headers than there may be.
      "headers:\n\(open)" + (0..<64).map { "    x-\($0): 1\n" }.joined() + "payload: -\n",
      // A head without an end.
      "headers:\n\(open)    x-filler: " + String(repeating: "a", count: 16_384),
      // A size beyond 2^63-1.
      "headers:\n\(open)payload: 9223372036854775808\n",
      // An open packet with a payload.
      "headers:\n\(open)    x-stream: 10:10\npayload: 4\nbody",
    ]
  }
}

import NIOCore
import Testing

@testable import Fronts

/// The header of the PROXY protocol, byte by byte.
@Suite struct ProxyHeaderTests {
  private let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

  private func parse(_ bytes: [UInt8]) -> ProxyHeaderParser.Outcome {
    ProxyHeaderParser.parse(ByteBuffer(bytes: bytes).readableBytesView)
  }

  private func header(_ command: UInt8, _ family: UInt8, _ body: [UInt8]) -> [UInt8] {
    signature + [command, family, UInt8(body.count >> 8), UInt8(body.count & 0xff)] + body
  }

  private func expect(_ bytes: [UInt8], _ source: String?, _ port: Int?) {
    // What is behind it does not count.
    for rest in [[], [0x16, 3, 1]] as [[UInt8]] {
      guard case .header(let length, let found, let destination) = parse(bytes + rest) else {
        Issue.record("\(parse(bytes + rest))")
        continue
      }
      #expect(length == bytes.count && found?.ipAddress == source && found?.port == port)
      #expect((destination == nil) == (source == nil))
    }
    for count in 0..<bytes.count { #expect(parse(Array(bytes[..<count])) == .incomplete, "\(count)") }
  }

  @Test("both versions say where a client of IPv4 or IPv6 is")
  func addresses() {
    expect(Array("PROXY TCP4 192.0.2.1 192.0.2.2 65535 443\r\n".utf8), "192.0.2.1", 65_535)
    expect(Array("PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n".utf8), "2001:db8::1", 1)
    expect(header(0x21, 0x11, [192, 0, 2, 1, 192, 0, 2, 2, 1, 0, 0, 1]), "192.0.2.1", 256)
    let six = [0x20, 1, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
    // With more behind the addresses, as proxies write it.
    expect(header(0x21, 0x21, six + six + [0, 7, 0, 8] + [4, 0, 1, 0]), "2001:db8::1", 7)
  }

  @Test("a proxy may speak for itself, or for a client that has no such address")
  func noAddress() {
    expect(Array("PROXY UNKNOWN whatever comes here\r\n".utf8), nil, nil)
    expect(header(0x20, 0, []), nil, nil)
    expect(header(0x20, 0x11, [UInt8](repeating: 1, count: 12)), nil, nil)
    expect(header(0x21, 0x31, [UInt8](repeating: 1, count: 216)), nil, nil)
  }

  @Test("what is malformed is no header, and what begins otherwise is none at all")
  func bad() {
    let texts = [
      "PROXY \r\n", "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n", "PROXY TCP4 ::1 ::1 1 1\r\n", "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n",
      "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n",
      "PROXY TCP4 " + String(repeating: "1", count: 120),
    ]
    let binaries = [
      header(0x11, 0x11, [UInt8](repeating: 1, count: 12)), header(0x22, 0x11, [UInt8](repeating: 1, count: 12)),
      header(0x21, 0x11, [UInt8](repeating: 1, count: 11)), signature + [0x21, 0x11, 0xff, 0xff],
    ]
    for bytes in texts.map({ Array($0.utf8) }) + binaries {
      guard case .malformed = parse(bytes) else {
        Issue.record("\(String(decoding: bytes, as: UTF8.self)): \(parse(bytes))")
        continue
      }
    }
    for bytes in [[0x16], Array("PROXY2".utf8), Array("GET / HTTP/1.1".utf8), [0x0d, 0x0a, 0x0d, 0x0a, 1]] as [[UInt8]]
    {
      #expect(parse(bytes) == .absent)
    }
  }
}

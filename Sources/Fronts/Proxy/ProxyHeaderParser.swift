package import NIOCore

/// Reads the header that a proxy puts in front of a connection, in both its versions (HAProxy's proxy-protocol.txt,
/// sections 2.1 and 2.2).
package enum ProxyHeaderParser {
  /// What stands at the beginning of a connection.
  package enum Outcome: Equatable {
    /// More bytes have to come first.
    case incomplete
    /// No header.
    case absent
    /// A header that nobody should have sent.
    case malformed(String)
    /// A header of `length` bytes. `source` is `nil` where the proxy speaks for itself, or of a connection that is not of
    /// TCP over IPv4 or IPv6.
    case header(length: Int, source: SocketAddress?, destination: SocketAddress?)
  }

  /// The longest header of version 1 with the end of its line (section 2.1).
  static let longestText = 107
  /// The most bytes behind the fixed part of version 2 that are read: addresses, and what else proxies say.
  static let longestBody = 4096
  private static let textStart = Array("PROXY ".utf8)
  private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

  /// - Parameter bytes: all that has come of the connection.
  package static func parse(_ bytes: ByteBufferView) -> Outcome {
    if bytes.starts(with: signature) { return binary(bytes) }
    if bytes.starts(with: textStart) { return text(bytes) }
    let mayFollow = signature.starts(with: bytes) || textStart.starts(with: bytes)
    return mayFollow ? .incomplete : .absent
  }

  // MARK: Version 1

  private static func text(_ bytes: ByteBufferView) -> Outcome {
    let beginning = bytes.prefix(longestText)
    guard let end = beginning.firstIndex(of: 0x0a) else {
      return bytes.count < longestText ? .incomplete : .malformed("a line that has no end")
    }
    let line = beginning[..<end]
    guard line.last == 0x0d else { return .malformed("a line without CR") }
    let words = String(decoding: line.dropLast(), as: UTF8.self).split(
      separator: " ", omittingEmptySubsequences: false)
    let length = line.count + 1
    guard words.count > 1 else { return .malformed("no protocol") }
    if words[1] == "UNKNOWN" { return .header(length: length, source: nil, destination: nil) }
    guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6",
      let source = address(words[2], words[4], isIPv6: words[1] == "TCP6"),
      let destination = address(words[3], words[5], isIPv6: words[1] == "TCP6")
    else { return .malformed("no addresses of TCP4 or TCP6") }
    return .header(length: length, source: source, destination: destination)
  }

  private static func address(_ host: Substring, _ port: Substring, isIPv6: Bool) -> SocketAddress? {
    guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port),
      host.contains(":") == isIPv6
    else { return nil }
    return try? SocketAddress(ipAddress: String(host), port: Int(number))
  }

  // MARK: Version 2

  private static func binary(_ bytes: ByteBufferView) -> Outcome {
    let fixed = signature.count + 4
    guard bytes.count >= fixed else { return .incomplete }
    func byte(_ offset: Int) -> UInt8 { bytes[bytes.startIndex + offset] }
    let (command, family) = (byte(12), byte(13))
    let count = Int(byte(14)) << 8 | Int(byte(15))
    guard command >> 4 == 2 else { return .malformed("version \(command >> 4)") }
    guard count <= longestBody else { return .malformed("\(count) bytes of addresses") }
    guard bytes.count >= fixed + count else { return .incomplete }
    let length = fixed + count
    switch command & 0x0f {
    // LOCAL: the proxy looks whether somebody is there.
    case 0: return .header(length: length, source: nil, destination: nil)
    case 1: break
    default: return .malformed("command \(command & 0x0f)")
    }
    let size =
      switch family {
      case 0x11: 4
      case 0x21: 16
      default: 0
      }
    guard size > 0 else { return .header(length: length, source: nil, destination: nil) }
    guard count >= 2 * size + 4 else { return .malformed("addresses that are cut short") }
    func address(_ offset: Int, port: Int) -> SocketAddress? {
      let start = bytes.startIndex + fixed
      let packed = ByteBuffer(bytes: bytes[(start + offset)..<(start + offset + size)])
      let number = Int(byte(fixed + port)) << 8 | Int(byte(fixed + port + 1))
      return try? SocketAddress(packedIPAddress: packed, port: number)
    }
    guard let source = address(0, port: 2 * size), let destination = address(size, port: 2 * size + 2) else {
      return .malformed("addresses that are none")
    }
    return .header(length: length, source: source, destination: destination)
  }
}

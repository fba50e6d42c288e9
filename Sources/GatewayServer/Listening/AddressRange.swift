import ConfigurationReading
import Glibc
package import NIOCore

/// Addresses that begin with the same bits, as `10.0.0.0/8`; or whoever connects over a unix socket.
package enum AddressRange: Hashable, Sendable {
  /// The first `bits` of an address of 4 or 16 bytes.
  case addresses([UInt8], bits: Int)
  /// Any peer of a unix socket.
  case unix

  /// Whether an address lies in it. One of IPv4 that came to a socket of IPv6 is one of IPv4.
  package func contains(_ address: SocketAddress) -> Bool {
    switch (self, address) {
    case (.unix, .unixDomainSocket): return true
    case (.unix, _), (_, .unixDomainSocket): return false
    case (.addresses(let own, let bits), _):
      guard let other = address.ipAddress.flatMap(Self.bytes) else { return false }
      return own.count == other.count && Self.begin(own, other, bits)
    }
  }

  static func parse(_ text: String) throws(ValueFault) -> AddressRange {
    if text == "unix" { return .unix }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let bytes = bytes(String(parts[0])) else {
      throw ValueFault(
        message: "`\(text)` is no range of addresses",
        hint: "write `ADDRESS` or `ADDRESS/BITS`, as `10.0.0.0/8`, or `unix`")
    }
    guard parts.count == 2 else { return .addresses(bytes, bits: bytes.count * 8) }
    guard let bits = PlainNumber.parse(parts[1]), (0...Int64(bytes.count * 8)).contains(bits) else {
      throw ValueFault(
        message: "`\(parts[1])` is no number of bits of `\(parts[0])`", hint: "write 0 to \(bytes.count * 8)")
    }
    guard bytes.indices.allSatisfy({ bytes[$0] & mask($0, below: Int(bits)) == 0 }) else {
      throw ValueFault(
        message: "`\(text)` names an address, and a range that it does not begin",
        hint: "write the address itself, or clear the bits behind the first \(bits)")
    }
    return .addresses(bytes, bits: Int(bits))
  }

  /// The bits of a byte that a range of so many bits leaves open.
  private static func mask(_ index: Int, below bits: Int) -> UInt8 {
    let fixed = max(0, min(8, bits - index * 8))
    return fixed == 8 ? 0 : 0xff >> UInt8(fixed)
  }

  private static func begin(_ one: [UInt8], _ other: [UInt8], _ bits: Int) -> Bool {
    one.indices.allSatisfy { (one[$0] ^ other[$0]) & ~mask($0, below: bits) == 0 }
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    var four = [UInt8](repeating: 0, count: 4)
    if inet_pton(AF_INET, text, &four) == 1 { return four }
    var six = [UInt8](repeating: 0, count: 16)
    guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
    let isMapped = six[..<10].allSatisfy { $0 == 0 } && six[10] == 0xff && six[11] == 0xff
    return isMapped ? Array(six[12...]) : six
  }
}

extension ValueParser where Value == AddressRange {
  /// An address, a range of them, or `unix`.
  static var addressRange: ValueParser {
    ValueParser(expected: "a range of addresses, as `10.0.0.0/8`") { text, _ throws(ValueFault) in
      try AddressRange.parse(text)
    }
  }
}

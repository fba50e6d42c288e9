package import NIOCore

/// What counts as one address where clients are bounded by theirs: an address of IPv4, and of IPv6 the first 64 bits, which
/// is what one customer has at the least (RFC 6177).
package struct AddressBlock: Hashable, Sendable, CustomStringConvertible {
  /// The first 64 bits; of IPv4 all 32.
  private let bits: UInt64
  private let isIPv6: Bool

  /// `nil` where there is no such address, as over a unix socket.
  package init?(_ address: SocketAddress?) {
    // The fields of `sockaddr_in` and `sockaddr_in6` (ip(7), ipv6(7)) by their places: their names are the system module's.
    switch address {
    case .v4(let address):
      self = withUnsafeBytes(of: address.address) { bytes in
        AddressBlock(ipv4: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
      }
    case .v6(let address):
      self = withUnsafeBytes(of: address.address) { bytes in
        let first = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        let last = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        // One of IPv4 that came to a socket of IPv6 (RFC 4291, section 2.5.5.2).
        return first == 0 && last >> 32 == 0xffff
          ? AddressBlock(ipv4: UInt32(truncatingIfNeeded: last)) : AddressBlock(bits: first, isIPv6: true)
      }
    case .unixDomainSocket, nil: return nil
    }
  }

  /// `nil` where the text is no address.
  package init?(_ text: String) {
    self.init(try? SocketAddress(ipAddress: text, port: 0))
  }

  private init(ipv4: UInt32) { self.init(bits: UInt64(ipv4), isIPv6: false) }

  private init(bits: UInt64, isIPv6: Bool) {
    self.bits = bits
    self.isIPv6 = isIPv6
  }

  /// For a person: `192.0.2.1` or `2001:db8:0:1::/64`.
  package var description: String {
    guard isIPv6 else { return (0..<4).map { "\(bits >> (24 - 8 * $0) & 0xff)" }.joined(separator: ".") }
    return (0..<4).map { String(bits >> (48 - 16 * $0) & 0xffff, radix: 16) }.joined(separator: ":") + "::/64"
  }
}

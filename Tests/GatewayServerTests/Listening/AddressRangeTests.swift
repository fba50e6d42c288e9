import ConfigurationReading
import NIOCore
import Testing

@testable import GatewayServer

@Suite struct AddressRangeTests {
  private func contains(_ range: String, _ address: String) throws -> Bool {
    try AddressRange.parse(range).contains(SocketAddress(ipAddress: address, port: 1))
  }

  @Test("a range has the addresses that begin as it does")
  func ranges() throws {
    for (range, address, isIn) in [
      ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.1.2.3", "10.1.2.3", true),
      ("10.1.2.3", "10.1.2.4", false), ("0.0.0.0/0", "8.8.8.8", true), ("0.0.0.0/0", "2001:db8::1", false),
      ("192.0.2.128/25", "192.0.2.127", false), ("192.0.2.128/25", "192.0.2.200", true),
      ("2001:db8::/33", "2001:db8:7fff::1", true), ("2001:db8::/33", "2001:db8:8000::1", false),
      // One of IPv4, over a socket of IPv6.
      ("10.0.0.0/8", "::ffff:10.0.0.1", true), ("unix", "127.0.0.1", false),
    ] {
      #expect(try contains(range, address) == isIn, "\(range) \(address)")
    }
    #expect(try AddressRange.parse("unix").contains(SocketAddress(unixDomainSocketPath: "/a")))
    #expect(try !AddressRange.parse("0.0.0.0/0").contains(SocketAddress(unixDomainSocketPath: "/a")))
  }

  @Test(
    "what is no range is told, with what to write",
    arguments: ["", "10.0.0.0/33", "10.0.0.1/8", "a", "1.2.3.4/", "::/129", "1.2.3.4/8/8"])
  func bad(_ text: String) {
    #expect(throws: ValueFault.self) { try AddressRange.parse(text) }
  }
}

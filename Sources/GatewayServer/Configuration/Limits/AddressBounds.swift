import GatewayCore
import NIOCore

/// What one address may take of the gateway's connections and handshakes.
package struct AddressBounds: Hashable, Sendable {
  /// The most connections at once; `nil` for any number.
  package var connections: Int?
  /// The most handshakes begun in a second; `nil` for any number.
  package var handshakes: Int?
  /// Addresses that nothing of this is for.
  package var except: [AddressRange]

  /// What connections from an address count as; `nil` where they are not counted.
  func block(of address: SocketAddress?) -> AddressBlock? {
    guard let address, !except.contains(where: { $0.contains(address) }) else { return nil }
    return AddressBlock(address)
  }
}

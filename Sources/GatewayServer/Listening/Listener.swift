import NIOCore

/// One place where a gateway listens, and whom it believes there about where clients are.
package struct Listener: Hashable, Sendable, CustomStringConvertible {
  /// Where.
  package enum Place: Hashable, Sendable {
    /// An address of TCP.
    case address(ListenAddress)
    /// A socket in the file system, at an absolute path.
    case unix(String)
    /// Sockets that systemd has opened: those of this name (`FileDescriptorName=`), or all of them.
    case systemd(String?)
  }

  /// Where.
  package var place: Place
  /// Proxies that put a header in front of each connection (PROXY protocol); nobody else may.
  package var proxies: [AddressRange]

  /// - Parameter proxies: none where clients connect themselves.
  package init(_ place: Place, proxies: [AddressRange] = []) {
    self.place = place
    self.proxies = proxies
  }

  /// Whether only this machine can reach it. What systemd listens on may be anything.
  package var isLoopback: Bool {
    switch place {
    case .address(let address): address.isLoopback && proxies.isEmpty
    case .unix: proxies.isEmpty
    case .systemd: false
    }
  }

  /// Whether a connection's other end is a proxy that is believed.
  func trusts(_ peer: SocketAddress?) -> Bool { peer.map { peer in proxies.contains { $0.contains(peer) } } ?? false }

  /// What a certificate for it has beside `localhost` and the loopback addresses; `nil` where that is all.
  package var certificateName: String? {
    guard case .address(let address) = place else { return nil }
    return address.certificateName
  }

  /// As it is written.
  package var description: String {
    switch place {
    case .address(let address): address.description
    case .unix(let path): "unix:\(path)"
    case .systemd(let name): name.map { "systemd:\($0)" } ?? "systemd"
    }
  }
}

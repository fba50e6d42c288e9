internal import GatewayCore
internal import Glibc
internal import NIOCore

/// The PROXY protocol's binary header, version 2 (HAProxy's proxy-protocol.txt, section 2.2).
enum ProxyHeader {
  private static let signature: [UInt8] = [
    0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
  ]
  /// Types of TLVs (section 2.2.1 and what follows).
  private enum Kind: UInt8 {
    case alpn = 0x01
    case authority = 0x02
    case uniqueID = 0x05
    case tls = 0x20
    case tlsVersion = 0x21
    case commonName = 0x22
    case cipher = 0x23
  }

  /// The command PROXY over a stream. Where the addresses are not both of IPv4 or both of IPv6, they are left out
  /// (`AF_UNSPEC`); the rest is said all the same.
  static func bytes(for connection: ClientConnection, uniqueID: String) -> ByteBuffer {
    var body = ByteBuffer()
    let family = writeAddresses(of: connection, into: &body)
    write(.alpn, connection.alpn, into: &body)
    write(.authority, connection.serverName, into: &body)
    write(.uniqueID, uniqueID, into: &body)
    if let version = connection.tlsVersion {
      var tls = ByteBuffer()
      let isVerified = connection.hasCertificate
      // PP2_CLIENT_SSL, PP2_CLIENT_CERT_CONN and PP2_CLIENT_CERT_SESS; `verify` is 0 for a good certificate alone.
      tls.writeInteger(UInt8(isVerified ? 0x07 : 0x01))
      tls.writeInteger(UInt32(isVerified ? 0 : 1))
      write(.tlsVersion, version, into: &tls)
      write(.commonName, connection.commonName, into: &tls)
      write(.cipher, connection.tlsCipher, into: &tls)
      write(.tls, tls, into: &body)
    }
    var header = ByteBuffer(bytes: signature)
    header.writeInteger(UInt8(0x21))
    header.writeInteger(family)
    header.writeInteger(UInt16(body.readableBytes))
    header.writeBuffer(&body)
    return header
  }

  private static func writeAddresses(of connection: ClientConnection, into body: inout ByteBuffer) -> UInt8 {
    guard let remote = connection.remote, let local = connection.local, let remotePort = remote.port,
      let localPort = local.port
    else { return 0x00 }
    let family: UInt8
    let kind: (family: CInt, size: Int)
    switch (remote, local) {
    case (.v4, .v4): (family, kind) = (0x11, (AF_INET, 4))
    case (.v6, .v6): (family, kind) = (0x21, (AF_INET6, 16))
    default: return 0x00
    }
    for end in [remote, local] {
      var bytes = [UInt8](repeating: 0, count: kind.size)
      guard let text = end.ipAddress, inet_pton(kind.family, text, &bytes) == 1 else {
        body.clear()
        return 0x00
      }
      body.writeBytes(bytes)
    }
    body.writeInteger(UInt16(truncatingIfNeeded: remotePort))
    body.writeInteger(UInt16(truncatingIfNeeded: localPort))
    return family
  }

  private static func write(_ kind: Kind, _ text: String?, into body: inout ByteBuffer) {
    // Far more than any of these may have, and far less than what the header's length can say in all. What is longer is
    // left out: of two names that are cut, one could look like the other.
    guard let text, text.utf8.count <= 1024 else { return }
    write(kind, ByteBuffer(string: text), into: &body)
  }

  private static func write(_ kind: Kind, _ value: ByteBuffer, into body: inout ByteBuffer) {
    body.writeInteger(kind.rawValue)
    body.writeInteger(UInt16(truncatingIfNeeded: value.readableBytes))
    body.writeImmutableBuffer(value)
  }
}

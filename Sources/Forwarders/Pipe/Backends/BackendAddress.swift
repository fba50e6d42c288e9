internal import Glibc

/// Where a backend listens.
package enum BackendAddress: Hashable, Sendable, CustomStringConvertible {
  /// An IPv4 address, an IPv6 address without brackets or a name, and a port from 1 to 65535.
  case host(String, port: Int)
  /// A unix socket's absolute path.
  case unix(path: String)

  /// As in the configuration.
  package var description: String {
    switch self {
    case .host(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// Whether bytes get there without leaving the machine or a private network: unix sockets, loopback, RFC 1918, unique
  /// local (RFC 4193) and link-local addresses. Of names only `localhost` is known to be (RFC 6761, section 6.3).
  package var isPrivate: Bool {
    switch self {
    case .unix: return true
    case .host(let host, _):
      if let four = Self.bytes(of: host, family: AF_INET) { return Self.isPrivate(four[...]) }
      if let six = Self.bytes(of: host, family: AF_INET6) {
        if six[..<10].allSatisfy({ $0 == 0 }), six[10] == 0xff, six[11] == 0xff { return Self.isPrivate(six[12...]) }
        let isLoopback = six[..<15].allSatisfy { $0 == 0 } && six[15] == 1
        return isLoopback || six[0] & 0xfe == 0xfc || (six[0] == 0xfe && six[1] & 0xc0 == 0x80)
      }
      return host.lowercased() == "localhost"
    }
  }

  private static func isPrivate(_ four: ArraySlice<UInt8>) -> Bool {
    let (first, second) = (four[four.startIndex], four[four.startIndex + 1])
    switch first {
    case 10, 127: return true
    case 172: return (16...31).contains(second)
    case 192: return second == 168
    case 169: return second == 254
    default: return false
    }
  }

  private static func bytes(of text: String, family: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }
}

import NIOCore
import NIOPosix
import XStream

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Finds where targets are, and whether something answers there.
enum TargetSearch {
  static func find(
    _ texts: [String], timeout: Duration, ownsTarget: Bool
  ) async throws(LoadPlanError) -> [Target] {
    var targets: [Target] = []
    for text in texts {
      let url: XStreamURL
      do throws(XStreamURLError) { url = try TargetAddress.url(text) } catch { throw .target(error.description) }
      let addresses = try addresses(of: url)
      if !ownsTarget, let foreign = addresses.first(where: { !isNear($0) }) {
        throw .foreign(url.description, address: foreign.ipAddress ?? "?")
      }
      targets.append(Target(url: url, address: try await firstThatAnswers(url, addresses, timeout)))
    }
    return targets
  }

  /// All addresses of a name, in the order of the system's preference.
  private static func addresses(of url: XStreamURL) throws(LoadPlanError) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(url.host, String(url.port), &hints, &list)
    guard result == 0 else {
      throw .unknownHost(url.host, cause: String(cString: gai_strerror(result)))
    }
    defer { freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = list
    while let info = next?.pointee {
      var host = [CChar](repeating: 0, count: 64)
      if getnameinfo(info.ai_addr, info.ai_addrlen, &host, socklen_t(host.count), nil, 0, NI_NUMERICHOST) == 0 {
        let text = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if let address = try? SocketAddress(ipAddress: text, port: url.port) { addresses.append(address) }
      }
      next = info.ai_next
    }
    guard !addresses.isEmpty else { throw .unknownHost(url.host, cause: "it has none of IPv4 or IPv6") }
    return addresses
  }

  private static func firstThatAnswers(
    _ url: XStreamURL, _ addresses: [SocketAddress], _ timeout: Duration
  ) async throws(LoadPlanError) -> SocketAddress {
    var cause = ""
    for address in addresses {
      do {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
          .connectTimeout(TimeAmount(timeout)).connect(to: address).get()
        try? await channel.close()
        return address
      } catch {
        cause = Setback(connecting: error).text
      }
    }
    throw .noAnswer(url.description, cause: cause)
  }

  /// Whether an address is of this machine or of a private network (RFC 1918, RFC 3927, RFC 4193, RFC 4291, RFC 6598).
  static func isNear(_ address: SocketAddress) -> Bool {
    guard let text = address.ipAddress else { return true }
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, text, &bytes) == 1 { return isNear(v4: bytes) }
    guard inet_pton(AF_INET6, text, &bytes) == 1 else { return false }
    if bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] { return isNear(v4: Array(bytes.suffix(4))) }
    let isLoopback = bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
    return isLoopback || bytes[0] & 0xFE == 0xFC || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80)
  }

  private static func isNear(v4 bytes: [UInt8]) -> Bool {
    switch (bytes[0], bytes[1]) {
    case (127, _), (10, _), (192, 168), (169, 254): true
    case (172, 16...31), (100, 64...127): true
    default: false
    }
  }
}

import ConfigurationReading
import Glibc

/// Where a server listens.
package struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// An IPv4 address, an IPv6 address without brackets, or a name that is resolved at start.
  package var host: String
  /// 0 lets the system choose one.
  package var port: Int

  /// - Parameters:
  ///   - host: an address or a name, without brackets.
  ///   - port: 0 to 65535.
  package init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Whether only this machine can reach it: `127.0.0.0/8`, `::1`, and `localhost` (RFC 6761, section 6.3).
  package var isLoopback: Bool {
    if let four = Self.bytes(of: host, family: AF_INET) { return four[0] == 127 }
    if let six = Self.bytes(of: host, family: AF_INET6) {
      let isMapped = six[..<10].allSatisfy { $0 == 0 } && six[10] == 0xff && six[11] == 0xff
      return isMapped ? six[12] == 127 : six[..<15].allSatisfy { $0 == 0 } && six[15] == 1
    }
    return host.lowercased() == "localhost"
  }

  /// What a certificate for it has beside `localhost` and the loopback addresses; `nil` for those, and for an address that
  /// stands for all.
  package var certificateName: String? {
    isLoopback || ["0.0.0.0", "::"].contains(host) ? nil : host
  }

  /// `host:port`, an IPv6 address in brackets.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  static func parse(_ text: String) throws(ValueFault) -> ListenAddress {
    guard let colon = text.lastIndex(of: ":") else {
      let meant = PlainNumber.parse(text) == nil ? "\(text):8443" : "127.0.0.1:\(text)"
      throw ValueFault(message: "`\(text)` is not both a host and a port", hint: "write `\(meant)`")
    }
    let port = PlainNumber.parse(text[text.index(after: colon)...])
    let host = String(text[..<colon])
    if bytes(of: text, family: AF_INET6) != nil || bytes(of: host, family: AF_INET6) != nil {
      let meant = bytes(of: host, family: AF_INET6) != nil && port != nil ? (host, port ?? 8443) : (text, 8443)
      throw ValueFault(
        message: "`\(text)`: an IPv6 address stands in brackets", hint: "write `\"[\(meant.0)]:\(meant.1)\"`")
    }
    guard let port, (0...65535).contains(port) else {
      throw ValueFault(message: "`\(text)` has no port from 0 to 65535", hint: "write `HOST:PORT`, as `127.0.0.1:8443`")
    }
    if host.hasPrefix("["), host.hasSuffix("]") {
      let inner = String(host.dropFirst().dropLast())
      guard bytes(of: inner, family: AF_INET6) != nil else {
        throw ValueFault(message: "`\(inner)` is not an IPv6 address", hint: "write one, as `\"[::1]:\(port)\"`")
      }
      return ListenAddress(host: inner, port: Int(port))
    }
    guard !host.isEmpty, host != "*" else {
      throw ValueFault(
        message: "`\(text)` names no host", hint: "for every address of the machine write `0.0.0.0:\(port)`")
    }
    guard bytes(of: host, family: AF_INET) != nil || isName(host) else {
      throw ValueFault(
        message: "`\(host)` is neither an address nor a host name", hint: "write `HOST:PORT`, as `127.0.0.1:8443`")
    }
    return ListenAddress(host: host, port: Int(port))
  }

  /// RFC 1123, section 2.1. A last label of digits is an address that somebody mistyped.
  private static func isName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    guard text.utf8.count <= 253, let last = labels.last, !last.allSatisfy(\.isNumber) else { return false }
    return labels.allSatisfy { label in
      (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
        && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
    }
  }

  private static func bytes(of text: String, family: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: family == AF_INET ? 4 : 16)
    return inet_pton(family, text, &bytes) == 1 ? bytes : nil
  }
}

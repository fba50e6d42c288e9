/// Where an upload goes: `xstream://host[:port]/route` (protocol.md section 1). IPv6 addresses stand in brackets.
public struct XStreamURL: Hashable, Sendable, CustomStringConvertible {
  /// The port without one in the text.
  public static let defaultPort = 8443

  /// A host name or an IP address, in lower case, without brackets.
  public let host: String
  /// The TCP port, 1 to 65535.
  public let port: Int
  /// An absolute path, beginning with `/`.
  public let route: String

  /// Reads a URL.
  ///
  /// - Throws: ``XStreamURLError`` that says which part is wrong.
  public init(_ text: String) throws(XStreamURLError) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw XStreamURLError(text, "it has a space") }
    guard let scheme = text.range(of: "://"), text[..<scheme.lowerBound].lowercased() == "xstream" else {
      throw XStreamURLError(text, "it has to begin with xstream://")
    }
    let rest = text[scheme.upperBound...]
    guard let slash = rest.firstIndex(of: "/") else {
      throw XStreamURLError(text, "the route is missing, as in xstream://host/route")
    }
    route = String(rest[slash...])
    guard !route.contains(where: { "?#".contains($0) }) else {
      throw XStreamURLError(text, "a route has neither ? nor #")
    }
    let (host, port) = try Self.authority(rest[..<slash], of: text)
    self.host = host
    self.port = port
  }

  /// Host and port, as a person would write them.
  public var authority: String { "\(bracketedHost):\(port)" }

  private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

  /// As text, without the default port.
  public var description: String {
    "xstream://\(bracketedHost)\(port == Self.defaultPort ? "" : ":\(port)")\(route)"
  }

  private static func authority(
    _ authority: Substring, of text: String
  ) throws(XStreamURLError) -> (host: String, port: Int) {
    let host: Substring
    let tail: Substring
    if authority.first == "[" {
      guard let end = authority.firstIndex(of: "]") else { throw XStreamURLError(text, "a ] is missing") }
      host = authority[authority.index(after: authority.startIndex)..<end]
      tail = authority[authority.index(after: end)...]
      guard host.contains(":"), host.utf8.allSatisfy(isAddressByte) else {
        throw XStreamURLError(text, "only an IPv6 address stands in brackets")
      }
    } else {
      let colon = authority.firstIndex(of: ":") ?? authority.endIndex
      host = authority[..<colon]
      tail = authority[colon...]
      guard !host.contains("@") else { throw XStreamURLError(text, "credentials have no place in it") }
      guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isNameByte) else {
        throw XStreamURLError(text, "the host is missing or has characters that no host has")
      }
    }
    guard !tail.isEmpty else { return (host.lowercased(), defaultPort) }
    guard tail.first == ":", (2...6).contains(tail.utf8.count),
      tail.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = Int(tail.dropFirst()),
      (1...65_535).contains(port)
    else { throw XStreamURLError(text, "the port has to be 1 to 65535, and an IPv6 address needs brackets") }
    return (host.lowercased(), port)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}

/// Why a text is no ``XStreamURL``.
public struct XStreamURLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person.
  public let description: String

  init(_ text: String, _ problem: String) {
    description = "\"\(text)\" is no URL to upload to: \(problem)"
  }
}

extension String {
  /// The first occurrence of a text.
  fileprivate func range(of other: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
      start = index(after: start)
    }
    return nil
  }
}

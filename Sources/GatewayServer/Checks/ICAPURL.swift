import ConfigurationReading

/// A service that looks at what it is sent by ICAP (RFC 3507): `icap://HOST:PORT/SERVICE`.
package struct ICAPURL: Hashable, Sendable, CustomStringConvertible {
  /// A name, or an address without brackets.
  package let host: String
  /// The TCP port.
  package let port: Int
  /// With its slash in front.
  package let service: String

  /// The port without one in the text.
  static let defaultPort = 1344

  /// As text.
  package var description: String { "icap://\(authority)\(service)" }

  /// Host and port, as in `Host`.
  var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

  /// `nil` where the text is no such URL.
  init?(_ text: String) {
    guard text.hasPrefix("icap://"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
    let rest = text.dropFirst("icap://".count)
    let place = rest.prefix { $0 != "/" }
    let named = place.hasSuffix("]") || !place.contains(":") ? "\(place):\(Self.defaultPort)" : String(place)
    guard let address = try? ListenAddress.parse(named), address.port > 0 else { return nil }
    host = address.host
    port = address.port
    service = place.endIndex == rest.endIndex ? "/" : String(rest[place.endIndex...])
  }
}

extension ValueParser where Value == ICAPURL {
  /// `icap://HOST:PORT/SERVICE`.
  static var icapURL: ValueParser {
    ValueParser(expected: "`icap://HOST:PORT/SERVICE`") { text, _ throws(ValueFault) in
      guard let url = ICAPURL(text) else {
        throw ValueFault(message: "`\(text)` is no URL of ICAP", hint: "write `icap://HOST:PORT/SERVICE`")
      }
      return url
    }
  }
}

/// An `https` URL that a client speaks to (RFC 9110 section 4.2.2). IPv6 addresses stand in brackets.
public struct HTTPSURL: Hashable, Sendable, CustomStringConvertible {
  /// The port without one in the text.
  public static let defaultPort = 443

  private let place: Authority
  /// Path and query, as they stand in a request's first line.
  public let target: String

  /// Reads a URL. Letters beyond ASCII are percent-encoded, and a fragment is left out.
  ///
  /// - Throws: ``HTTPSURLError`` that says which part is wrong.
  public init(_ text: String) throws(HTTPSURLError) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { throw HTTPSURLError(text, "it has a space") }
    guard Self.scheme(of: text) == "https" else { throw HTTPSURLError(text, "it has to begin with https://") }
    let rest = text.dropFirst("https://".count)
    let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
    guard !rest[..<end].contains("@") else { throw HTTPSURLError(text, "credentials have no place in it") }
    guard let place = Authority(rest[..<end]) else {
      throw HTTPSURLError(text, "the host is missing or is none, or the port is not 1 to 65535")
    }
    guard place.port != 0 else { throw HTTPSURLError(text, "the port has to be 1 to 65535") }
    self.init(place, Self.target(rest[end...]))
  }

  private init(_ place: Authority, _ target: String) {
    self.place = place
    self.target = target
  }

  /// A host name or an IP address, in lower case, without brackets.
  public var host: String { place.host.hasPrefix("[") ? String(place.host.dropFirst().dropLast()) : place.host }

  /// The TCP port.
  public var port: Int { place.port ?? Self.defaultPort }

  /// Host and port as in `Host`: the default port is left out.
  public var authority: String { place.description }

  /// The path without the query.
  public var path: String { String(target.prefix { $0 != "?" }) }

  /// As text.
  public var description: String { place.origin + target }

  /// Whether both lead to the same host and port, which credentials are for.
  package func isSameOrigin(_ other: HTTPSURL) -> Bool { place == other.place }

  /// The URL of something below this one's path, if the path ends in a slash; else this one.
  package func naming(_ name: String?) -> HTTPSURL {
    guard let name, target.hasSuffix("/") else { return self }
    return HTTPSURL(place, target + PercentCoding.encode(name))
  }

  /// Reads a reference that stands in an answer to a request for this URL (RFC 3986 section 4.2).
  ///
  /// `http` at this URL's host is read as this URL's origin: servers behind a proxy that does TLS for them often do not
  /// know better, and nothing is ever sent in clear.
  ///
  /// - Returns: nil where it is neither relative nor `https`.
  package func resolving(_ reference: String) -> HTTPSURL? {
    guard !reference.isEmpty, reference.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
    switch Self.scheme(of: reference) {
    case "https": return try? HTTPSURL(reference)
    case "http":
      guard let other = try? HTTPSURL("https" + reference.dropFirst("http".count)), other.host == host else {
        return nil
      }
      return HTTPSURL(place, other.target)
    case .some: return nil
    case nil: break
    }
    if reference.hasPrefix("//") { return try? HTTPSURL("https:" + reference) }
    if reference.hasPrefix("/") { return HTTPSURL(place, Self.target(reference[...])) }
    if reference.hasPrefix("?") { return HTTPSURL(place, Self.target(path + reference)) }
    // A colon before the first slash would be a scheme's.
    guard !reference.prefix(while: { $0 != "/" }).contains(":") else { return nil }
    let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
    return HTTPSURL(place, Self.target(Self.withoutDots(folder + reference)))
  }

  private static func scheme(of text: some StringProtocol) -> String? {
    let word = text.prefix { $0 != ":" }
    guard text[word.endIndex...].hasPrefix("://"), word.utf8.allSatisfy(\.isASCIILetter) else { return nil }
    return word.asciiLowercased
  }

  /// A target of a URL's rest.
  private static func target(_ rest: some StringProtocol) -> String {
    let shown = rest.prefix { $0 != "#" }
    let encoded = shown.utf8.allSatisfy { $0 < 0x80 } ? String(shown) : PercentCoding.encodeBeyondASCII(shown)
    return encoded.hasPrefix("/") ? encoded : "/" + encoded
  }

  /// Dot segments of a relative reference are gone through (RFC 3986 section 5.2.4).
  private static func withoutDots(_ path: some StringProtocol) -> String {
    var segments: [Substring] = []
    let parts = Substring(path).split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for part in parts {
      if part == ".." { _ = segments.popLast() } else if part != "." { segments.append(part) }
    }
    if let last = parts.last, last == "." || last == ".." { segments.append("") }
    return "/" + segments.joined(separator: "/")
  }
}

/// Why a text is no ``HTTPSURL``.
public struct HTTPSURLError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person.
  public let description: String

  init(_ text: String, _ problem: String) {
    description = "\"\(text)\" is no URL to upload to: \(problem)"
  }
}

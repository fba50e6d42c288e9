/// What the parser lets through and a gateway must not: two readers of one message have to agree on where it ends and
/// for whom it is (RFC 9112 section 11.2).
///
/// llhttp refuses much by itself: signed, hexadecimal and doubled lengths, bare line ends, folded lines. Some of that
/// is looked at again here, as HTTP/2 has no llhttp before it.
package struct MessageChecks: Sendable {
  /// The version of HTTP of a message.
  package enum Version: Sendable {
    case http10
    case http11
    case http2
  }

  /// How the body's end is known.
  package enum Framing: Sendable, Equatable {
    /// By `Content-Length`.
    case length(Int64)
    /// By chunks, or the end of a stream of HTTP/2 without a length.
    case open
    /// There is no body.
    case none
  }

  /// A message that passed.
  package struct Head: Sendable, Equatable {
    /// Where it goes.
    package let target: RequestTarget
    /// Whom it addresses; only HTTP/1.0 may leave that out.
    package let authority: Authority?
    /// How long its body is.
    package let framing: Framing
    /// Whether it waits for `100`.
    package let expectsContinue: Bool

    /// The body's length where it is known before it comes.
    package var contentLength: Int64? {
      switch framing {
      case .length(let length): length
      case .none: 0
      case .open: nil
      }
    }

    /// Whether a body may come that has bytes.
    package var mayBringBytes: Bool { contentLength != 0 }
  }

  /// The hosts that the gateway answers for; empty for every one.
  package let hosts: [String]

  /// Takes the configured hosts.
  package init(hosts: [String] = []) {
    self.hosts = hosts
  }

  /// Checks a head: framing first, as everything else reads a message whose end is certain.
  ///
  /// - Parameter endsStream: whether an HTTP/2 stream ended with its head.
  package func check(
    method: String, target text: String, version: Version, fields: HTTPFields, endsStream: Bool = false
  ) throws(HTTPProblem) -> Head {
    var framing = try Self.framing(of: fields, version)
    if framing == .none, version == .http2, !endsStream { framing = .open }
    let target = try RequestTarget(text)
    // Only OPTIONS asks about the server as a whole (RFC 9112 section 3.2.4).
    if target == .asterisk, method != "OPTIONS" { throw .badTarget(.form) }
    let authority = try Self.authority(of: fields, target, version)
    if let authority, !hosts.isEmpty, !authority.isListed(in: hosts) { throw .hostIsNotOurs }
    try Self.checkContent(of: fields, method: method)
    return Head(
      target: target, authority: authority, framing: framing,
      expectsContinue: try Self.expectsContinue(fields, version))
  }

  private static func framing(of fields: HTTPFields, _ version: Version) throws(HTTPProblem) -> Framing {
    let lengths = fields.all("Content-Length")
    let codings = fields.joined("Transfer-Encoding")
    guard let codings else {
      guard !lengths.isEmpty else { return .none }
      guard lengths.count == 1, let length = WholeNumber.parse(lengths[0]) else {
        throw .badMessage(.contentLength)
      }
      return .length(length)
    }
    guard version == .http11 else { throw .badMessage(.codingInOldVersion) }
    guard lengths.isEmpty else { throw .badMessage(.lengthAndCoding) }
    let names = codings.trimmedParts(at: ",").map(\.asciiLowercased)
    guard names.last == "chunked", names.count(where: { $0 == "chunked" }) == 1 else {
      throw .badMessage(.transferCoding)
    }
    guard names.count == 1 else { throw .transferCodingUnknown }
    return .open
  }

  private static func authority(
    of fields: HTTPFields, _ target: RequestTarget, _ version: Version
  ) throws(HTTPProblem) -> Authority? {
    let hosts = fields.all("Host")
    guard hosts.count <= 1 else { throw .badMessage(.twoHosts) }
    guard let text = hosts.first else {
      guard version == .http10 else { throw .badMessage(.noHost) }
      return target.authority
    }
    guard let host = Authority(text) else { throw .badMessage(.badHost) }
    // RFC 9112 lets the target win. A client that names two hosts, though, is broken or means harm to a cache before
    // us.
    if let named = target.authority, named != host { throw .badMessage(.otherHost) }
    return host
  }

  private static func checkContent(of fields: HTTPFields, method: String) throws(HTTPProblem) {
    if let codings = fields.joined("Content-Encoding") {
      let names = codings.trimmedParts(at: ",")
      guard names.allSatisfy({ $0.isEmpty || $0.asciiLowercased == "identity" }) else { throw .contentEncoded }
    }
    // Whoever takes a part for the whole destroys the file (RFC 9110 section 14.5).
    if method == "PUT", fields.has("Content-Range") { throw .badMessage(.contentRange) }
  }

  private static func expectsContinue(_ fields: HTTPFields, _ version: Version) throws(HTTPProblem) -> Bool {
    // HTTP/1.0 has no 100, so its expectations are ignored (RFC 9110 section 10.1.1).
    guard version != .http10, let expectation = fields.joined("Expect") else { return false }
    guard expectation.trimmedParts(at: ",").allSatisfy({ $0.asciiLowercased == "100-continue" }) else {
      throw .expectationUnknown
    }
    return true
  }
}

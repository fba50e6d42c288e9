/// The target of a request (RFC 9112 section 3.2), checked and decoded.
package enum RequestTarget: Sendable, Equatable {
  /// A path, from the target itself or from a URL that names the authority too.
  case path(TargetPath, authority: Authority?)
  /// `*`, of OPTIONS alone.
  case asterisk

  /// Reads the target of a request.
  package init(_ target: some StringProtocol) throws(HTTPProblem) {
    if target == "*" {
      self = .asterisk
      return
    }
    let (url, query) = try Self.splittingQuery(target)
    if url.utf8.first == UInt8(ascii: "/") {
      self = .path(TargetPath(segments: try Self.segments(of: url), query: query), authority: nil)
      return
    }
    let scheme = "https://"
    guard url.utf8.count >= scheme.utf8.count, url.prefix(scheme.count).asciiLowercased == scheme else {
      throw .badTarget(.form)
    }
    let rest = url.dropFirst(scheme.count)
    let pathStart = rest.firstIndex(of: "/") ?? rest.endIndex
    guard let authority = Authority(rest[..<pathStart]) else { throw .badTarget(.form) }
    let path = pathStart == rest.endIndex ? "/" : String(rest[pathStart...])
    self = .path(TargetPath(segments: try Self.segments(of: path), query: query), authority: authority)
  }

  /// The path, where the target has one.
  package var path: TargetPath? {
    if case .path(let path, _) = self { path } else { nil }
  }

  /// The authority, where the target names one.
  package var authority: Authority? {
    if case .path(_, let authority) = self { authority } else { nil }
  }

  private static func splittingQuery(_ target: some StringProtocol) throws(HTTPProblem) -> (String, String?) {
    guard target.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .badTarget(.character) }
    guard !target.utf8.contains(UInt8(ascii: "#")) else { throw .badTarget(.fragment) }
    let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    return (String(halves[0]), halves.count > 1 ? String(halves[1]) : nil)
  }

  /// Splits before it decodes, so that `%2F` stays within a segment, and looks for dots after it: `%2e%2e` is `..`.
  private static func segments(of path: String) throws(HTTPProblem) -> [String] {
    var segments: [String] = []
    for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
      guard let bytes = PercentCoding.decode(part) else { throw .badTarget(.percent) }
      guard !bytes.contains(0) else { throw .badTarget(.nul) }
      guard let segment = String(validating: bytes, as: UTF8.self) else { throw .badTarget(.encoding) }
      guard segment != ".", segment != ".." else { throw .badTarget(.dots) }
      segments.append(segment)
    }
    return segments
  }
}

/// A path in decoded segments, none of them `.` or `..`.
package struct TargetPath: Sendable, Equatable {
  /// `/a/b` has two; `/a/` has two as well, the last one empty.
  package let segments: [String]
  /// What stands behind `?`, as it came. No resource here depends on it.
  package let query: String?

  /// Takes what was checked before.
  init(segments: [String], query: String?) {
    self.segments = segments
    self.query = query
  }
}

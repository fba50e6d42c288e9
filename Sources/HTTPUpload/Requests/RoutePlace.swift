/// Where a path leads: a configured route, and what stands behind it.
package struct RoutePlace: Sendable, Equatable {
  /// What a path has behind its route.
  package enum Rest: Sendable, Equatable {
    /// Nothing, or a slash alone.
    case none
    /// The key of an upload.
    case key(String)
    /// The name of a file: a label.
    case name(String)
  }

  /// The path of the route as it was configured.
  package let route: String
  /// What is left of the path.
  package let rest: Rest

  /// Finds the place. An exact route wins, else the longest route with one segment behind it.
  ///
  /// - Parameters:
  ///   - routes: the configured paths (`/files`).
  ///   - namesOnly: for PUT, which always brings a file of that name, also where the name looks like a key.
  package init(_ path: TargetPath, routes: [String], namesOnly: Bool = false) throws(HTTPProblem) {
    let byLength = routes.map { (path: $0, segments: Self.segments(of: $0)) }
      .sorted { $0.segments.count > $1.segments.count }
    if let exact = byLength.first(where: { $0.segments == path.segments }) {
      self.init(route: exact.path, rest: .none)
      return
    }
    // The longest one decides: what does not fit behind it is not looked for behind a shorter one.
    let prefix = byLength.first { route in
      let stem = route.segments == [""] ? [] : route.segments
      return path.segments.count > stem.count && path.segments.starts(with: stem)
    }
    guard let prefix else { throw .notFound }
    let stem = prefix.segments == [""] ? 0 : prefix.segments.count
    guard path.segments.count == stem + 1 else { throw .notFound }
    let segment = path.segments[stem]
    if segment.isEmpty {
      self.init(route: prefix.path, rest: .none)
    } else if !namesOnly, Self.isKey(segment) {
      self.init(route: prefix.path, rest: .key(segment))
    } else {
      guard FileLabel.isLabel(segment) else { throw .badName }
      self.init(route: prefix.path, rest: .name(segment))
    }
  }

  private init(route: String, rest: Rest) {
    self.route = route
    self.rest = rest
  }

  /// The key, where the place is an upload.
  package var key: String? {
    if case .key(let key) = rest { key } else { nil }
  }

  /// The label, where the place is a name.
  package var name: String? {
    if case .name(let name) = rest { name } else { nil }
  }

  /// Whether a segment has the shape of the gateway's keys: 32 letters, digits, `-` and `_`.
  package static func isKey(_ segment: String) -> Bool {
    segment.utf8.count == 32
      && segment.utf8.allSatisfy {
        $0.isASCIILetter || $0.isASCIIDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
      }
  }

  private static func segments(of route: String) -> [String] {
    route.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
  }
}

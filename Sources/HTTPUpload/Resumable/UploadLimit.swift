/// The bounds of an upload as `Upload-Limit` tells them.
package struct UploadLimit: Sendable, Equatable {
  /// The most bytes of an upload.
  package var maxSize: Int64?
  /// The seconds that an unfinished upload still has.
  package var maxAge: Int64?
  /// The least bytes of an upload.
  package var minSize: Int64?

  /// Takes the bounds that there are.
  package init(maxSize: Int64? = nil, maxAge: Int64? = nil, minSize: Int64? = nil) {
    self.maxSize = maxSize
    self.maxAge = maxAge
    self.minSize = minSize
  }

  /// The value, or `nil` where the version has no such field. Versions that demand the field get `min-size=0` where
  /// there is no bound.
  package func text(_ rules: ResumableRules) -> String? {
    guard let word = rules.limitWord else { return nil }
    // An integer of a structured field has 15 digits. A larger bound is none that a client could reach.
    let members = [("max-size", maxSize), (word.rawValue, maxAge), ("min-size", minSize)].compactMap { name, value in
      value.flatMap { (0...999_999_999_999_999).contains($0) ? "\(name)=\($0)" : nil }
    }
    return members.isEmpty ? "min-size=0" : members.joined(separator: ", ")
  }
}

/// What is known of an upload when a request of the draft comes to it.
package struct ResumableState: Sendable, Equatable {
  /// The bytes that are safe.
  package let offset: Int64
  /// Whether its last request was taken. An offset at the length does not say so.
  package let isComplete: Bool
  /// The length, where it was told.
  package let length: Int64?

  /// Takes what the upload's account says.
  package init(offset: Int64, isComplete: Bool, length: Int64?) {
    self.offset = offset
    self.isComplete = isComplete
    self.length = length
  }

  /// What becomes of an append.
  package enum Decision: Sendable, Equatable {
    /// Its content is taken.
    case receive
    /// The upload's final answer goes out once more.
    case replay
  }

  /// Decides an append.
  package func decide(
    _ append: ResumableRequest.Append, _ rules: ResumableRules
  ) throws(HTTPProblem) -> Decision {
    if isComplete { return try decideLate(append, rules) }
    guard append.offset == offset else { throw .wrongOffset(expected: offset, provided: append.offset) }
    if let length {
      if let total = append.total, total != length { throw .inconsistentLength }
      if let content = append.contentLength, content > length - offset { throw .inconsistentLength }
      if append.isLast, let content = append.contentLength, offset + content != length { throw .inconsistentLength }
    }
    return .receive
  }

  private func decideLate(
    _ append: ResumableRequest.Append, _ rules: ResumableRules
  ) throws(HTTPProblem) -> Decision {
    // Content of unknown length counts as bytes: an empty one has no reason to come in chunks.
    let isEmpty = append.contentLength == 0
    switch rules.lateAppend {
    case .isRefused: throw .unexpectedField("Upload-Offset")
    case .isCompleted: throw .completedUpload(gone: false)
    case .dependsOnBytes: throw isEmpty ? .completedUpload(gone: true) : .inconsistentLength
    case .isReplayed:
      guard isEmpty else { throw .inconsistentLength }
      guard append.offset == offset else { throw .wrongOffset(expected: offset, provided: append.offset) }
      // Whoever says that more comes cannot mean the end that was.
      guard append.isLast else { throw .inconsistentLength }
      return .replay
    }
  }
}

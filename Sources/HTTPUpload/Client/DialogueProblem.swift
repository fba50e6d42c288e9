/// Why an upload does not go on, or not yet.
package struct DialogueProblem: Error, Sendable {
  /// What is wrong.
  package enum Kind: Sendable, Equatable {
    /// The server refused with its status.
    case refused
    /// It does not know the upload.
    case unknownUpload
    /// It will take nothing of this size: its limit in bytes.
    case tooLarge(limit: Int64)
    /// It took back what it had acknowledged.
    case offsetWentBack(to: Int64, from: Int64)
    /// It says that it has more than there is.
    case offsetBeyond(Int64, total: Int64)
    /// Its upload has another length than this file.
    case otherLength(Int64)
    /// Its upload is complete, with fewer bytes than there are.
    case completeTooEarly(Int64)
    /// It sends the client elsewhere, where credentials must not go or a request would be another.
    case redirect(String)
    /// The upload's place is at another origin.
    case foreignPlace(String)
    /// An answer lacks what the protocol wants in it.
    case missing(String)
    /// What arrived hashes to something else than what was announced.
    case digestMismatch
    /// A POST that cannot be repeated was cut off: whether it arrived nobody knows.
    case unknownEnd
  }

  /// What is wrong.
  package let kind: Kind
  /// The answer, where there is one.
  package let answer: ServerAnswer?

  /// A problem.
  package init(_ kind: Kind, _ answer: ServerAnswer? = nil) {
    self.kind = kind
    self.answer = answer
  }

  /// Whether the same request may succeed later.
  package var isWorthAnotherTry: Bool {
    guard kind == .refused, let status = answer?.status else { return false }
    return switch status {
    // 423: tusd says so while an older connection still has the upload.
    case 408, 409, 423, 425, 429, 507: true
    // What a server cannot do it will not learn.
    case 501, 505, 510: false
    default: status >= 500
    }
  }
}

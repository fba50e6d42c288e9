/// What differs between the versions of the draft, as data: one row of the table for each interop version.
///
/// Where a version leaves a choice, the row has the choice that most clients of that version can live with. What is the
/// same in every version (an older request is cut when a newer one comes, an offset never goes back) is no column.
package struct ResumableRules: Sendable, Equatable {
  /// The field that says whether more is to come.
  package enum CompletenessField: String, Sendable {
    /// `?1`: more is to come.
    case incomplete = "Upload-Incomplete"
    /// `?0`: more is to come.
    case complete = "Upload-Complete"
  }

  /// What an append without that field is.
  package enum SilentAppend: Sendable {
    /// The last one.
    case isTheLast
    /// A mistake.
    case isRefused
  }

  /// The answers that say that the upload goes on: the value of "more is to come" stands in them.
  package enum OpenMark: Int, Sendable, Comparable {
    /// Only the one that acknowledges an unfinished part.
    case acknowledgement
    /// Any that is not the answer of the upload's target, of 2xx.
    case success
    /// Any that is not the answer of the upload's target.
    case everyStatus

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  /// The answers that say that the upload is complete.
  package enum DoneMark: Int, Sendable, Comparable {
    /// None.
    case none
    /// Those of 2xx.
    case success
    /// Those of any status: the answer is the target's.
    case everyStatus

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  }

  /// What an append to a complete upload gets.
  package enum LateAppend: Sendable {
    /// 400.
    case isRefused
    /// 400 and the problem type `completed-upload`.
    case isCompleted
    /// 400 `inconsistent-upload-length` with bytes, 410 `completed-upload` without.
    case dependsOnBytes
    /// Without bytes the final answer once more, with bytes 400.
    case isReplayed
  }

  /// What `Upload-Limit` calls the upload's remaining seconds.
  package enum LimitWord: String, Sendable {
    /// Until -05.
    case expires
    /// From -06 on.
    case maxAge = "max-age"
  }

  /// The interop version.
  package let number: Int
  package let completenessField: CompletenessField
  /// Whether later 104s may tell an offset.
  package let tellsProgress: Bool
  /// Whether a 104 with `Location` has `Upload-Limit` too.
  package let limitInInterim: Bool
  /// Whether `Upload-Length` has a meaning.
  package let knowsLength: Bool
  /// Whether an append has to be of the type `application/partial-upload`.
  package let demandsMediaType: Bool
  package let silentAppend: SilentAppend
  /// The status of a finished append that is not the last.
  package let appendStatus: Int
  /// Whether every answer of a creation or an append has `Upload-Offset`, refusals too.
  package let offsetInEveryAnswer: Bool
  package let openMark: OpenMark
  package let doneMark: DoneMark
  /// Whether GET asks for the offset as HEAD does.
  package let retrievalByGET: Bool
  /// Whether a question or a DELETE that has `Upload-Offset` or a completeness is refused.
  package let refusesStrayFields: Bool
  /// How `Upload-Limit` is written; `nil` where it is unknown.
  package let limitWord: LimitWord?
  /// Whether OPTIONS tells `Accept-Patch`.
  package let acceptPatch: Bool
  /// Whether a wrong offset has a problem type.
  package let offsetProblem: Bool
  package let lateAppend: LateAppend
  /// Whether bytes beyond the length make the upload invalid for ever.
  package let excessInvalidates: Bool
}

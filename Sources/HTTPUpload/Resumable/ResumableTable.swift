extension ResumableRules {
  /// The rows, from the oldest version on. Each changes what its draft changed in the row before.
  package static let table: [ResumableRules] = [
    ResumableRules(  // draft -01
      number: 3, completenessField: .incomplete, tellsProgress: false, limitInInterim: false, knowsLength: false,
      demandsMediaType: false, silentAppend: .isTheLast, appendStatus: 201, offsetInEveryAnswer: true,
      openMark: .acknowledgement, doneMark: .none, retrievalByGET: false, refusesStrayFields: true, limitWord: nil,
      acceptPatch: false, offsetProblem: false, lateAppend: .isRefused, excessInvalidates: false),
    ResumableRules(  // -02
      number: 4, completenessField: .complete, tellsProgress: false, limitInInterim: false, knowsLength: false,
      demandsMediaType: false, silentAppend: .isTheLast, appendStatus: 201, offsetInEveryAnswer: true,
      openMark: .acknowledgement, doneMark: .none, retrievalByGET: false, refusesStrayFields: true, limitWord: nil,
      acceptPatch: false, offsetProblem: false, lateAppend: .isRefused, excessInvalidates: false),
    ResumableRules(  // -03
      number: 5, completenessField: .complete, tellsProgress: true, limitInInterim: false, knowsLength: false,
      demandsMediaType: false, silentAppend: .isTheLast, appendStatus: 201, offsetInEveryAnswer: true,
      openMark: .acknowledgement, doneMark: .none, retrievalByGET: false, refusesStrayFields: true, limitWord: nil,
      acceptPatch: false, offsetProblem: false, lateAppend: .isRefused, excessInvalidates: false),
    ResumableRules(  // -04, -05
      number: 6, completenessField: .complete, tellsProgress: true, limitInInterim: false, knowsLength: true,
      demandsMediaType: true, silentAppend: .isTheLast, appendStatus: 201, offsetInEveryAnswer: true,
      openMark: .acknowledgement, doneMark: .none, retrievalByGET: false, refusesStrayFields: true,
      limitWord: .expires, acceptPatch: false, offsetProblem: true, lateAppend: .isCompleted,
      excessInvalidates: false),
    ResumableRules(  // -06 to -08
      number: 7, completenessField: .complete, tellsProgress: true, limitInInterim: false, knowsLength: true,
      demandsMediaType: true, silentAppend: .isRefused, appendStatus: 204, offsetInEveryAnswer: false,
      openMark: .success, doneMark: .success, retrievalByGET: false, refusesStrayFields: false, limitWord: .maxAge,
      acceptPatch: false, offsetProblem: true, lateAppend: .isCompleted, excessInvalidates: false),
    ResumableRules(  // -09 to -11
      number: 8, completenessField: .complete, tellsProgress: true, limitInInterim: true, knowsLength: true,
      demandsMediaType: true, silentAppend: .isRefused, appendStatus: 204, offsetInEveryAnswer: false,
      openMark: .everyStatus, doneMark: .success, retrievalByGET: false, refusesStrayFields: false,
      limitWord: .maxAge, acceptPatch: true, offsetProblem: true, lateAppend: .dependsOnBytes,
      excessInvalidates: true),
    ResumableRules(  // -12
      number: 9, completenessField: .complete, tellsProgress: true, limitInInterim: true, knowsLength: true,
      demandsMediaType: true, silentAppend: .isRefused, appendStatus: 204, offsetInEveryAnswer: false,
      openMark: .everyStatus, doneMark: .everyStatus, retrievalByGET: true, refusesStrayFields: false,
      limitWord: .maxAge, acceptPatch: false, offsetProblem: true, lateAppend: .isReplayed,
      excessInvalidates: true),
    ResumableRules(  // -13
      number: 10, completenessField: .complete, tellsProgress: true, limitInInterim: true, knowsLength: true,
      demandsMediaType: true, silentAppend: .isRefused, appendStatus: 204, offsetInEveryAnswer: false,
      openMark: .everyStatus, doneMark: .everyStatus, retrievalByGET: true, refusesStrayFields: false,
      limitWord: .maxAge, acceptPatch: false, offsetProblem: true, lateAppend: .isReplayed,
      excessInvalidates: true),
  ]

  /// The newest row, for those who say no version or an unknown one.
  package static let newest = table[table.count - 1]
}

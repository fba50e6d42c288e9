import Testing

@testable import HTTPUpload

@Suite("ResumableVersion")
struct ResumableVersionTests {
  private static let all: [Int64] = Array(3...10)

  private func rules(_ number: Int64) -> ResumableRules { ResumableVersion(number: number).rules }

  /// The versions for which a rule holds.
  private func versions(_ holds: (ResumableRules) -> Bool) -> [Int] {
    ResumableRules.table.filter(holds).map(\.number)
  }

  @Test("the table has the versions 3 to 10")
  func numbers() {
    #expect(ResumableRules.table.map(\.number) == Array(3...10))
    #expect(ResumableRules.newest.number == 10)
  }

  @Test("each rule begins and ends with a version")
  func rows() {
    #expect(versions { $0.completenessField == .incomplete } == [3])
    #expect(versions(\.tellsProgress) == Array(5...10))
    #expect(versions(\.limitInInterim) == Array(8...10))
    #expect(versions(\.knowsLength) == Array(6...10))
    #expect(versions(\.demandsMediaType) == Array(6...10))
    #expect(versions { $0.silentAppend == .isTheLast } == Array(3...6))
    #expect(versions { $0.appendStatus == 201 } == Array(3...6))
    #expect(versions(\.offsetInEveryAnswer) == Array(3...6))
    #expect(versions { $0.openMark == .acknowledgement } == Array(3...6))
    #expect(versions { $0.openMark == .everyStatus } == Array(8...10))
    #expect(versions { $0.doneMark == .none } == Array(3...6))
    #expect(versions { $0.doneMark == .everyStatus } == [9, 10])
    #expect(versions(\.retrievalByGET) == [9, 10])
    #expect(versions(\.refusesStrayFields) == Array(3...6))
    #expect(versions { $0.limitWord == nil } == Array(3...5))
    #expect(versions { $0.limitWord == .expires } == [6])
    #expect(versions(\.acceptPatch) == [8])
    #expect(versions(\.offsetProblem) == Array(6...10))
    #expect(versions { $0.lateAppend == .isRefused } == Array(3...5))
    #expect(versions { $0.lateAppend == .isCompleted } == [6, 7])
    #expect(versions { $0.lateAppend == .dependsOnBytes } == [8])
    #expect(versions { $0.lateAppend == .isReplayed } == [9, 10])
    #expect(versions(\.excessInvalidates) == Array(8...10))
  }

  @Test(
    "who says no version or an unknown one gets the newest rules",
    arguments: [nil, "2", "11", "99", "x", "", "?1", "6.0"])
  func unknown(text: String?) {
    let version = ResumableVersion(of: text.map { ["Upload-Draft-Interop-Version": $0] } ?? [:])
    #expect(version.rules == .newest)
    #expect(!version.isSaid)
    #expect(version.fields == [:])
  }

  @Test("a version is repeated in every answer", arguments: all)
  func repeated(number: Int64) {
    let version = ResumableVersion(of: ["upload-draft-interop-version": "\(number)"])
    #expect(version.isSaid)
    #expect(version.fields == ["Upload-Draft-Interop-Version": "\(number)"])
  }

  @Test(
    "a limit is written in the version's words",
    arguments: [
      (3, nil), (5, nil), (6, "max-size=10, expires=60"), (7, "max-size=10, max-age=60"),
      (10, "max-size=10, max-age=60"),
    ] as [(Int64, String?)])
  func limits(number: Int64, text: String?) {
    #expect(UploadLimit(maxSize: 10, maxAge: 60).text(rules(number)) == text)
  }

  @Test("a limit without bounds says that there is no least size")
  func emptyLimit() {
    #expect(UploadLimit().text(.newest) == "min-size=0")
    #expect(UploadLimit(maxSize: .max).text(.newest) == "min-size=0")
  }
}

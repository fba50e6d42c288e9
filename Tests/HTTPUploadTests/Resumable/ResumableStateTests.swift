import Testing

@testable import HTTPUpload

@Suite("ResumableState")
struct ResumableStateTests {
  private let open = ResumableState(offset: 4, isComplete: false, length: 10)
  private let complete = ResumableState(offset: 10, isComplete: true, length: 10)

  private func append(
    _ offset: Int64, last: Bool = true, total: Int64? = nil, content: Int64?
  ) -> ResumableRequest.Append {
    .init(offset: offset, isLast: last, total: total, contentLength: content)
  }

  private func rules(_ number: Int64) -> ResumableRules { ResumableVersion(number: number).rules }

  @Test("an append at the offset is taken", arguments: 3...10 as ClosedRange<Int64>)
  func right(number: Int64) throws {
    #expect(try open.decide(append(4, content: 6), rules(number)) == .receive)
    #expect(try open.decide(append(4, last: false, content: 6), rules(number)) == .receive)
    #expect(try open.decide(append(4, last: false, content: 0), rules(number)) == .receive)
    #expect(try open.decide(append(4, content: nil), rules(number)) == .receive)
  }

  @Test("an append elsewhere learns the offset", arguments: [0, 3, 5, 10] as [Int64])
  func wrong(offset: Int64) {
    #expect(throws: HTTPProblem.wrongOffset(expected: 4, provided: offset)) {
      try open.decide(append(offset, content: 1), .newest)
    }
  }

  @Test("an append keeps to the length")
  func lengths() {
    for bad in [
      append(4, total: 11, content: nil), append(4, content: 5), append(4, content: 7),
      append(4, last: false, content: 7),
    ] {
      #expect(throws: HTTPProblem.inconsistentLength) { try open.decide(bad, .newest) }
    }
  }

  @Test("all bytes are there, and still it is not complete before the last request")
  func atItsLength() throws {
    let full = ResumableState(offset: 10, isComplete: false, length: 10)
    #expect(try full.decide(append(10, content: 0), .newest) == .receive)
  }

  @Test(
    "an append to a complete upload is answered by the version",
    arguments: [
      (3, .unexpectedField("Upload-Offset"), .unexpectedField("Upload-Offset")),
      (4, .unexpectedField("Upload-Offset"), .unexpectedField("Upload-Offset")),
      (5, .unexpectedField("Upload-Offset"), .unexpectedField("Upload-Offset")),
      (6, .completedUpload(gone: false), .completedUpload(gone: false)),
      (7, .completedUpload(gone: false), .completedUpload(gone: false)),
      (8, .inconsistentLength, .completedUpload(gone: true)), (9, .inconsistentLength, nil),
      (10, .inconsistentLength, nil),
    ] as [(Int64, HTTPProblem, HTTPProblem?)])
  func late(number: Int64, withBytes: HTTPProblem, empty: HTTPProblem?) throws {
    #expect(throws: withBytes) { try complete.decide(append(10, content: 5), rules(number)) }
    if let empty {
      #expect(throws: empty) { try complete.decide(append(10, content: 0), rules(number)) }
    } else {
      #expect(try complete.decide(append(10, content: 0), rules(number)) == .replay)
    }
  }

  @Test("only the same end is replayed")
  func replays() {
    #expect(throws: HTTPProblem.wrongOffset(expected: 10, provided: 9)) {
      try complete.decide(append(9, content: 0), .newest)
    }
    #expect(throws: HTTPProblem.inconsistentLength) {
      try complete.decide(append(10, last: false, content: 0), .newest)
    }
  }
}

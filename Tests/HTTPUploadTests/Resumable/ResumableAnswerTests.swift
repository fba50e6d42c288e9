import Testing

@testable import HTTPUpload

@Suite("ResumableAnswer")
struct ResumableAnswerTests {
  private static let versions: ClosedRange<Int64> = 3...10
  private let limit = UploadLimit(maxSize: 100)
  private let open = ResumableState(offset: 4, isComplete: false, length: 10)

  private func answer(_ number: Int64?) -> ResumableAnswer { ResumableAnswer(ResumableVersion(number: number)) }

  @Test("a 104 has the URL and the version, and from 8 on the limit", arguments: versions)
  func interim(number: Int64) throws {
    let fields = try #require(answer(number).interim(location: "https://a/k", limit: limit))
    #expect(fields.first("Location") == "https://a/k")
    #expect(fields.first("Upload-Draft-Interop-Version") == "\(number)")
    #expect(fields.has("Upload-Limit") == (number >= 8))
    #expect(!fields.has("Upload-Offset"))
  }

  @Test("from 5 on a later 104 has the offset and no URL", arguments: versions)
  func progress(number: Int64) {
    let fields = answer(number).progress(offset: 7)
    #expect((fields != nil) == (number >= 5))
    #expect(fields?.first("Upload-Offset") ?? "7" == "7")
    #expect(fields?.has("Location") != true)
  }

  @Test("there is no 104 for who says no version")
  func noInterim() {
    #expect(answer(nil).interim(location: "https://a/k", limit: limit) == nil)
    #expect(answer(99).progress(offset: 7) == nil)
  }

  @Test("a part is acknowledged with the mark that more is to come", arguments: versions)
  func acknowledged(number: Int64) {
    let mark = number == 3 ? ("Upload-Incomplete", "?1") : ("Upload-Complete", "?0")
    let created = answer(number).created(location: "https://a/k", offset: 4, limit: limit)
    #expect(created.status == 201)
    #expect(created.fields.first(mark.0) == mark.1)
    #expect(created.fields.first("Location") == "https://a/k")
    #expect(created.fields.first("Upload-Offset") == "4")
    #expect(created.fields.has("Upload-Limit") == (number >= 6))
    let appended = answer(number).appended(offset: 8, limit: limit)
    #expect(appended.status == (number < 7 ? 201 : 204))
    #expect(appended.fields.first(mark.0) == mark.1)
    #expect(appended.fields.first("Upload-Offset") == "8")
  }

  @Test("a complete upload is never called unfinished, and from 7 on it is called complete", arguments: versions)
  func done(number: Int64) {
    let good = answer(number).done(status: 201, offset: 10)
    #expect(good.first("Upload-Complete") == (number >= 7 ? "?1" : nil))
    #expect(!good.has("Upload-Incomplete"))
    #expect(good.has("Upload-Offset") == (number < 7))
    let bad = answer(number).done(status: 422, offset: 10)
    #expect(bad.first("Upload-Complete") == (number >= 9 ? "?1" : nil))
  }

  @Test("a refusal says from 8 on that it is not the target's", arguments: versions)
  func refusals(number: Int64) {
    let fields = answer(number).refusal(.mediaType(accepted: []), open)
    #expect(fields.first("Upload-Complete") == (number >= 8 ? "?0" : nil))
    #expect(fields.first("Upload-Offset") == (number < 7 ? "4" : nil))
    #expect(!answer(number).refusal(.wrongOffset(expected: 4, provided: 0), open).has("Upload-Offset"))
    let complete = ResumableState(offset: 10, isComplete: true, length: 10)
    #expect(!answer(number).refusal(.completedUpload(gone: false), complete).has("Upload-Complete"))
  }

  @Test("what is too large is told the limit", arguments: versions)
  func tooLarge(number: Int64) {
    let fields = answer(number).refusal(.tooLarge(limit: 100), nil, limit: limit)
    #expect(fields.first("Upload-Limit") == (number >= 6 ? "max-size=100" : nil))
    #expect(!answer(number).refusal(.quota, nil, limit: limit).has("Upload-Limit"))
  }

  @Test("a question is answered with all that the version knows", arguments: versions)
  func retrieved(number: Int64) {
    let answer = answer(number).retrieved(open, limit: limit)
    #expect(answer.status == 204)
    #expect(answer.fields.first("Upload-Offset") == "4")
    #expect(answer.fields.first("Upload-Complete") == (number > 3 ? "?0" : nil))
    #expect(answer.fields.first("Upload-Incomplete") == (number == 3 ? "?1" : nil))
    #expect(answer.fields.first("Upload-Length") == (number >= 6 ? "10" : nil))
    #expect(answer.fields.has("Upload-Limit") == (number >= 6))
    #expect(answer.fields.first("Cache-Control") == "no-store")
  }

  @Test("a complete upload says so when asked", arguments: versions)
  func retrievedComplete(number: Int64) {
    let state = ResumableState(offset: 10, isComplete: true, length: nil)
    let fields = answer(number).retrieved(state, limit: limit).fields
    #expect(fields.first("Upload-Complete") == (number > 3 ? "?1" : nil))
    #expect(fields.first("Upload-Incomplete") == (number == 3 ? "?0" : nil))
    #expect(!fields.has("Upload-Length"))
  }

  @Test("OPTIONS tells the limit, and in 8 the type of an append")
  func options() {
    #expect(answer(nil).options(limit: limit) == ["Upload-Limit": "max-size=100"])
    #expect(answer(8).options(limit: limit).first("Accept-Patch") == "application/partial-upload")
    #expect(!answer(9).options(limit: limit).has("Accept-Patch"))
    #expect(!answer(5).options(limit: limit).has("Upload-Limit"))
  }
}

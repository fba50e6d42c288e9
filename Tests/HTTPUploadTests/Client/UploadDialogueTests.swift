import Testing

@testable import HTTPUpload

/// Single answers, and what follows from them.
@Suite("UploadDialogue")
struct UploadDialogueTests {
  private let url: HTTPSURL

  init() throws {
    url = try HTTPSURL("https://a/up")
  }

  private let open: HTTPFields = ["Upload-Complete": "?0", "Location": "/up/1"]

  /// A dialogue that is about to append.
  private func appending(_ total: Int64? = 10, digest: [UInt8]? = nil) -> UploadDialogue {
    var dialogue = UploadDialogue(UploadIntent(target: url, total: total, digest: digest))
    _ = dialogue.request()
    _ = dialogue.answered(ServerAnswer(status: 200, fields: ["Upload-Limit": "min-size=0"]))
    _ = dialogue.request()
    _ = dialogue.answered(ServerAnswer(status: 201, fields: open))
    _ = dialogue.request()
    return dialogue
  }

  private func failure(_ step: UploadDialogue.Step) -> DialogueProblem.Kind? {
    if case .fail(let problem) = step { problem.kind } else { nil }
  }

  private func waits(_ step: UploadDialogue.Step) -> Bool { if case .wait = step { true } else { false } }

  private func isNext(_ step: UploadDialogue.Step) -> Bool { if case .next = step { true } else { false } }

  @Test("the beginning says what it is, and has no byte")
  func creation() {
    var dialogue = UploadDialogue(
      UploadIntent(target: url, total: 10, label: "ä b", digest: Array(repeating: 0, count: 32)))
    #expect(dialogue.request().method == "OPTIONS")
    _ = dialogue.answered(ServerAnswer(status: 200, fields: ["Upload-Limit": "min-size=0"]))
    let request = dialogue.request()
    #expect(request.method == "POST" && request.content == .none)
    #expect(request.fields.first("Upload-Complete") == "?0" && request.fields.first("Upload-Length") == "10")
    #expect(request.fields.first("Content-Disposition") == "attachment; filename*=UTF-8''%C3%A4%20b")
    #expect(request.fields.first("Repr-Digest")?.hasPrefix("sha-256=:AAAA") == true)
  }

  @Test("a wrong offset is gone on from at once; told again and again, with a delay")
  func wrongOffset() {
    var dialogue = appending()
    let wrong = ServerAnswer(status: 409, fields: ["Upload-Offset": "4"])
    #expect(isNext(dialogue.answered(wrong)))
    #expect(dialogue.request().start == 4)
    #expect(waits(dialogue.answered(wrong)))
  }

  @Test("an offset below what was acknowledged is a fault in the draft, and gone on from in tus")
  func wentBack() throws {
    var dialogue = appending()
    dialogue.acknowledged(6)
    #expect(dialogue.lost(SentContent(count: 8)) == nil)
    #expect(dialogue.request().method == "HEAD")
    let back = ServerAnswer(status: 204, fields: ["Upload-Offset": "5", "Upload-Complete": "?0"])
    #expect(failure(dialogue.answered(back)) == .offsetWentBack(to: 5, from: 6))
    var tus = UploadDialogue(UploadIntent(target: url, total: 10), goingOnAt: try HTTPSURL("https://a/up/1"), .tus)
    for offset in ["6", "5"] {
      #expect(tus.request().method == "HEAD")
      let answer = ServerAnswer(status: 200, fields: ["Upload-Offset": offset, "Upload-Length": "10"])
      #expect(isNext(tus.answered(answer)))
      #expect(tus.request().start == Int64(offset))
      #expect(tus.lost(SentContent()) == nil)
    }
  }

  @Test("an offset beyond the end, another length, an end before the end and an answer without an offset are faults")
  func faults() {
    for (fields, kind) in [
      (["Upload-Offset": "11"], .offsetBeyond(11, total: 10)),
      (["Upload-Offset": "3", "Upload-Length": "9"], .otherLength(9)),
      (["Upload-Offset": "3", "Upload-Complete": "?1"], .completeTooEarly(3)),
      (["Upload-Complete": "?0"], .missing("Upload-Offset")),
    ] as [(HTTPFields, DialogueProblem.Kind)] {
      var dialogue = appending()
      _ = dialogue.lost(SentContent())
      _ = dialogue.request()
      #expect(failure(dialogue.answered(ServerAnswer(status: 204, fields: fields))) == kind)
    }
  }

  @Test("what may pass is tried again, and first asked how far it is", arguments: [408, 423, 429, 500, 502, 503, 507])
  func passing(status: Int) {
    var dialogue = appending()
    let step = dialogue.answered(ServerAnswer(status: status, fields: ["Retry-After": "7"]))
    guard case .wait(let problem) = step else {
      Issue.record("\(status) is final")
      return
    }
    #expect(problem.answer?.retryAfter == 7)
    #expect(dialogue.request().method == "HEAD")
  }

  @Test("what is refused for good is over", arguments: [400, 401, 403, 413, 415, 501])
  func refused(status: Int) {
    var dialogue = appending()
    #expect(failure(dialogue.answered(ServerAnswer(status: status))) == .refused)
  }

  @Test("an upload that is gone in the middle is not begun anew")
  func gone() {
    var dialogue = appending()
    #expect(failure(dialogue.answered(ServerAnswer(status: 404))) == .unknownUpload)
  }

  @Test("a completed upload is asked about, and is done if it has everything")
  func completed() {
    var dialogue = appending()
    let problem = ServerAnswer.Problem(type: "https://iana.org/assignments/http-problem-types#completed-upload")
    #expect(isNext(dialogue.answered(ServerAnswer(status: 400, problem: problem))))
    #expect(dialogue.request().method == "HEAD")
    let answer = ServerAnswer(status: 204, fields: ["Upload-Offset": "10", "Upload-Complete": "?1"])
    guard case .done = dialogue.answered(answer) else {
      Issue.record("not done")
      return
    }
  }

  @Test("another digest than the announced one is a failure")
  func digest() {
    let digest = [UInt8](repeating: 1, count: 32)
    for (told, isRight) in [(digest, true), ([UInt8](repeating: 2, count: 32), false)] {
      var dialogue = appending(digest: digest)
      let fields: HTTPFields = ["Upload-Complete": "?1", "Repr-Digest": DigestFields.value(sha256: told)]
      let step = dialogue.answered(ServerAnswer(status: 201, fields: fields), SentContent(count: 10))
      #expect((failure(step) == nil) == isRight)
    }
  }

  @Test("a limit below the size is known before a byte is sent")
  func limit() {
    for fields: HTTPFields in [["Upload-Limit": "max-size=9"], ["Tus-Max-Size": "9", "Tus-Version": "1.0.0"]] {
      var dialogue = UploadDialogue(UploadIntent(target: url, total: 10))
      _ = dialogue.request()
      #expect(failure(dialogue.answered(ServerAnswer(status: 200, fields: fields))) == .tooLarge(limit: 9))
    }
  }

  @Test("redirects are followed within the origin, and a request keeps its method")
  func redirects() {
    var dialogue = UploadDialogue(UploadIntent(target: url, total: 10))
    _ = dialogue.request()
    #expect(isNext(dialogue.answered(ServerAnswer(status: 308, fields: ["Location": "/up/"]))))
    #expect(dialogue.request().url.description == "https://a/up/")
    _ = dialogue.answered(ServerAnswer(status: 200, fields: ["Upload-Limit": "min-size=0"]))
    _ = dialogue.request()
    let elsewhere = ServerAnswer(status: 307, fields: ["Location": "https://b/up"])
    #expect(failure(dialogue.answered(elsewhere)) == .redirect("https://b/up"))
  }

  @Test(
    "an upload's place at another origin gets nothing; http there is this origin",
    arguments: [
      ("https://b/1", false), ("https://a:444/1", false), ("http://a:8080/1", true), ("../x/1", true), ("//a/1", true),
      ("ftp://a/1", false),
    ])
  func places(text: String, isOurs: Bool) {
    var dialogue = UploadDialogue(UploadIntent(target: url, total: 10))
    _ = dialogue.request()
    _ = dialogue.answered(ServerAnswer(status: 200, fields: ["Upload-Limit": "min-size=0"]))
    _ = dialogue.request()
    let step = dialogue.answered(ServerAnswer(status: 201, fields: ["Upload-Complete": "?0", "Location": text]))
    #expect(isNext(step) == isOurs)
    #expect((failure(step) == .foreignPlace(text)) == !isOurs)
    #expect(dialogue.request().url.isSameOrigin(url))
  }

  @Test("a plain POST that was cut off is not repeated")
  func unknownEnd() {
    var dialogue = UploadDialogue(UploadIntent(target: url, total: 10))
    while !(dialogue.request().method == "PUT") { _ = dialogue.answered(ServerAnswer(status: 405)) }
    _ = dialogue.answered(ServerAnswer(status: 405))
    #expect(dialogue.request().method == "POST")
    #expect(dialogue.lost(SentContent(count: 10))?.kind == .unknownEnd)
  }

  @Test("a question is asked in one way after the other, unless the way is known")
  func question() throws {
    var question = UploadQuestion(.position, of: url, nil)
    var answer = question.answered(ServerAnswer(status: 412))
    guard case .next = answer else {
      Issue.record("asked once")
      return
    }
    #expect(question.request.fields.first("Tus-Resumable") == "1.0.0")
    answer = question.answered(ServerAnswer(status: 200, fields: ["Upload-Offset": "3", "Upload-Length": "9"]))
    guard case .position(3, 9, false) = answer else {
      Issue.record("\(answer)")
      return
    }
    var known = UploadQuestion(.removal, of: url, .tus)
    guard case .fail = known.answered(ServerAnswer(status: 412)) else {
      Issue.record("asked twice")
      return
    }
  }
}

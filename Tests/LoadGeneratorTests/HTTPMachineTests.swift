import HTTPUpload
import Testing

@testable import LoadGenerator

/// What a client of HTTP asks, and what it takes for a broken promise.
@Suite struct HTTPMachineTests {
  private func machine(
    _ speaks: UploadProtocol, size: Int64 = 100, part: Int64? = nil, isSizeTold: Bool = true, isNamedFirst: Bool = false
  ) -> HTTPUploadMachine {
    HTTPUploadMachine(
      HTTPUploadMachine.Plan(
        speaks: speaks, route: "/x", label: "load-1", format: .bytes, size: size, isSizeTold: isSizeTold, part: part,
        isNamedFirst: isNamedFirst, digest: nil, token: nil))
  }

  private static let place: HTTPFields = ["Location": "https://localhost/x/KEY"]

  private func answer(_ status: Int, _ fields: HTTPFields = [:], offset: Int? = nil) -> HTTPAnswer {
    var fields = fields
    if let offset { fields.append("Upload-Offset", "\(offset)") }
    return HTTPAnswer(status: status, fields: fields)
  }

  @Test("a PUT is one request, and what breaks off begins anew")
  func put() {
    var machine = machine(.put)
    let job = machine.next()
    #expect(job.method == "PUT" && job.path == "/x/load-1" && job.body == .known(0..<100))
    machine.handedOn(to: 60)
    machine.broken()
    #expect(machine.step == .creating && machine.sent == 0)
    _ = machine.next()
    machine.handedOn(to: 100)
    #expect(machine.answered(answer(201, Self.place)) == .complete(digest: nil))
    #expect(machine.key == "KEY")
  }

  @Test("tus begins without a byte, goes on in parts, and asks after a break")
  func tus() {
    var machine = machine(.tus, part: 60, isSizeTold: false)
    #expect(machine.next().fields.first("Upload-Defer-Length") == "1")
    #expect(machine.answered(answer(201, Self.place, offset: 0)) == .goOn)
    var job = machine.next()
    #expect(job.method == "PATCH" && job.path == "/x/KEY" && job.body == .known(0..<60))
    #expect(!job.fields.has("Upload-Length"))
    machine.handedOn(to: 60)
    machine.broken()
    #expect(machine.next().method == "HEAD")
    #expect(machine.answered(answer(200, offset: 40)) == .goOn)
    job = machine.next()
    #expect(job.body == .known(40..<100) && job.fields.first("Upload-Length") == "100")
    machine.handedOn(to: 100)
    #expect(machine.answered(answer(204, offset: 100)) == .complete(digest: nil))
  }

  @Test("a resumable upload in one request is named by its 104, and goes on from what that and HEAD say")
  func resumable() {
    var machine = machine(.resumable)
    let job = machine.next()
    #expect(job.method == "POST" && job.body == .known(0..<100) && job.fields.first("Upload-Complete") == "?1")
    machine.handedOn(to: 50)
    #expect(machine.interim(104, Self.place) == nil && machine.key == "KEY")
    #expect(machine.interim(104, ["Upload-Offset": "30"]) == nil && machine.safe == 30)
    machine.broken()
    #expect(machine.next().method == "HEAD")
    #expect(machine.answered(answer(204, ["Upload-Complete": "?0"], offset: 50)) == .goOn)
    #expect(machine.next().body == .known(50..<100))
    machine.handedOn(to: 100)
    #expect(machine.answered(answer(201, ["Upload-Complete": "?1"])) == .complete(digest: nil))
  }

  @Test("without a 104 nothing can be gone on with")
  func nameless() {
    var machine = machine(.resumable)
    _ = machine.next()
    machine.handedOn(to: 50)
    machine.broken()
    #expect(machine.next().method == "POST")
  }

  @Test("what was cut is asked for, found incomplete, and dropped, also where the first answer to that was lost")
  func removal() {
    var machine = machine(.resumable, isNamedFirst: true)
    #expect(machine.next().body == .none)
    #expect(machine.answered(answer(201, Self.place, offset: 0)) == .goOn)
    _ = machine.next()
    machine.handedOn(to: 10)
    machine.broken()
    machine.remove()
    #expect(machine.next().method == "HEAD")
    #expect(machine.answered(answer(204, ["Upload-Complete": "?0"], offset: 10)) == .known)
    #expect(machine.next().method == "DELETE")
    machine.broken()
    #expect(machine.next().method == "DELETE")
    #expect(machine.answered(answer(404)) == .removed)
  }

  @Test(
    "an offset that goes back, or beyond what was sent, and one that is not told, are violations",
    arguments: [(60, 40), (60, 101), (60, nil)] as [(Int, Int?)])
  func offsets(first: Int, second: Int?) {
    var machine = machine(.tus, part: 60)
    _ = machine.next()
    _ = machine.answered(answer(201, Self.place, offset: 0))
    _ = machine.next()
    machine.handedOn(to: 60)
    #expect(machine.answered(answer(204, offset: first)) == .goOn)
    machine.broken()
    guard case .violation(.offset) = machine.answered(answer(200, offset: second)) else {
      Issue.record("\(String(describing: second)) was taken")
      return
    }
  }

  @Test("a success with bytes missing, without a place, or with another place, is a violation")
  func finals() {
    for (fields, sent) in [
      (Self.place, 99), ([:], 100), (["Location": "https://localhost/y/KEY"], 100),
    ] as [(HTTPFields, Int64)] {
      var machine = machine(.put)
      _ = machine.next()
      machine.handedOn(to: sent)
      guard case .violation(.final) = machine.answered(answer(201, fields)) else {
        Issue.record("\(fields.pairs) was taken after \(sent) bytes")
        continue
      }
    }
  }

  @Test("an upload that is gone begins anew if nothing of it was acknowledged, or if the server says that it is over")
  func gone() {
    for (offset, status, step) in [
      (0, 404, HTTPUploadMachine.Step.creating), (40, 404, .asking), (40, 410, .creating),
    ] {
      var machine = machine(.tus, part: 40)
      _ = machine.next()
      _ = machine.answered(answer(201, Self.place, offset: 0))
      _ = machine.next()
      machine.handedOn(to: 40)
      if offset > 0 { _ = machine.answered(answer(204, offset: offset)) }
      machine.broken()
      _ = machine.next()
      #expect(machine.answered(answer(status)) == .refused(mayGoOn: step == .creating, after: nil))
      #expect(machine.step == step)
    }
  }

  @Test("what may be answered otherwise later is tried again, and nothing else")
  func refusals() {
    for (status, mayGoOn) in [(503, true), (507, true), (500, true), (413, false), (401, false), (404, false)] {
      var machine = machine(.tus)
      _ = machine.next()
      #expect(
        machine.answered(answer(status, ["Retry-After": "7"])) == .refused(mayGoOn: mayGoOn, after: 7), "\(status)")
    }
  }
}

import Testing

@testable import XStream

@Suite("ServerExchange: refusals, questions, small uploads")
struct ServerExchangeDecisionTests {
  @Test("refuses an open and stays open; what was sent too early is the next packet")
  func refuses() throws {
    var server = try ServerExchange.deciding(.open(Samples.open(.known(9))))
    #expect(server.bytesAvailable(9) == .hold)
    let refusal = RefusalMessage(status: .busy, reason: "full", retryAfter: 5)
    #expect(server.refused(refusal) == .send(.refusal(refusal), .keepOpen))
    #expect(server.bytesAvailable(9) == .parsePacket)
    let answer = server.refuseInput(.malformed, reason: PacketError.notAPacket.reason)
    #expect(answer.after == .drainThenClose)
    #expect(answer.message?.asRefusal?.answersStream == false)
  }

  @Test("closes after a refusal that calls the request malformed")
  func refusesDigest() throws {
    var server = try ServerExchange.deciding(.open(Samples.open(.known(9))))
    #expect(server.refused(RefusalMessage(status: .malformed, reason: "another digest")).after == .drainThenClose)
  }

  @Test("rejects a head that is no request, and closes")
  func rejects() {
    var server = ServerExchange()
    let head = PacketHead([.init(.route, "/a"), .init(.stream, "-1")])
    let refusal = RefusalMessage(status: .malformed, reason: RequestError.keyNeeded.reason)
    #expect(server.received(head) == .reject(.refusal(refusal), .drainThenClose))
    #expect(server.bytesAvailable(7) == .discard(7))
  }

  @Test("answers a question about what is there")
  func ask() throws {
    let ask = ClientRequest.ask(AskRequest(context: Samples.context, total: .known(100), key: Samples.key))
    var server = try ServerExchange.deciding(ask)
    let answer = server.answered(.safe(40))
    #expect(answer.after == .keepOpen)
    let final = try #require(answer.message?.asFinal)
    #expect(final.status == .partial)
    #expect(final.left == .known(60))
    #expect(final.offset == 40)

    server = try ServerExchange.deciding(ask)
    #expect(server.answered(.safe(100)).message?.asFinal?.left == .known(1))
    server = try ServerExchange.deciding(ask)
    #expect(server.answered(.complete(digest: nil, reply: .none)) == .send(Samples.ok(), .keepOpen))

    let unlimited = ClientRequest.ask(AskRequest(context: Samples.context, total: .unlimited, key: Samples.key))
    server = try ServerExchange.deciding(unlimited)
    let open = try #require(server.answered(.safe(40)).message?.asFinal)
    #expect(open.left == .unlimited)
    #expect(open.offset == 40)
    #expect(server.isIdle)
  }

  @Test("drops a stream that is given up, and answers a resume of a complete one at once")
  func giveUp() throws {
    var server = try ServerExchange.deciding(.giveUp(GiveUpRequest(context: Samples.context, key: Samples.key)))
    #expect(server.answered(.gaveUp) == .send(.gaveUp, .keepOpen))
    let resume = ResumeRequest(open: Samples.open(.known(9)), key: Samples.key)
    #expect(server.received(try ClientRequest.resume(resume).head()) == .admit(.resume(resume)))
    #expect(server.answered(.complete(digest: nil, reply: .bytes(3))).message == Samples.ok(reply: .bytes(3)))
    #expect(server.isIdle)
  }

  @Test("says status 17 of a stream that can never be completed, with nothing arrived")
  func gone() throws {
    let ask = ClientRequest.ask(AskRequest(context: Samples.context, total: .known(100), key: Samples.key))
    var server = try ServerExchange.deciding(ask)
    let asked = try #require(server.answered(.gone).message?.asFinal)
    #expect(asked.status == .gone && asked.left == .known(100) && asked.offset == nil)
    server = try ServerExchange.deciding(.resume(ResumeRequest(open: Samples.open(.unlimited), key: Samples.key)))
    let resumed = try #require(server.answered(.gone).message?.asFinal)
    #expect(resumed.status == .gone && resumed.left == .unlimited && server.isIdle)
    // Of no bytes none can be left, and LEFT 0 would be a success.
    server = try ServerExchange.deciding(.resume(ResumeRequest(open: Samples.open(.known(0)), key: Samples.key)))
    #expect(server.answered(.gone).message?.asRefusal?.status == .gone)
  }

  private func payload(_ size: Int64) -> ClientRequest {
    .payload(PayloadRequest(context: Samples.context, format: .json, size: size))
  }

  @Test("takes a small upload and answers with the key")
  func smallUpload() throws {
    var server = try ServerExchange.deciding(payload(10))
    #expect(server.payloadAccepted(key: Samples.key) == .receive)
    #expect(server.bytesAvailable(4) == .forward(4, .more))
    #expect(server.bytesAvailable(9) == .forward(6, .endOfUpload))
    #expect(server.completed() == .send(Samples.ok(), .keepOpen))

    server = try ServerExchange.deciding(payload(0))
    #expect(server.payloadAccepted(key: Samples.key) == .finish)
    #expect(server.completed() == .send(Samples.ok(), .keepOpen))
  }

  @Test("discards the body of a refused small upload, and finds the next packet behind it")
  func refusedUpload() throws {
    var server = try ServerExchange.deciding(payload(10))
    let answer = server.refused(RefusalMessage(status: .format, reason: "no json", formats: [.bytes]))
    #expect(answer.after == .keepOpen)
    let final = Final(status: .format, reason: "no json", key: nil, left: .known(10), formats: [.bytes])
    #expect(answer.message == .final(final))
    #expect(server.bytesAvailable(4) == .discard(4))
    #expect(server.bytesAvailable(9) == .discard(6))
    #expect(server.bytesAvailable(3) == .parsePacket)
  }

  @Test("does not read a small upload that is too large")
  func tooLarge() throws {
    var server = try ServerExchange.deciding(payload(10))
    let answer = server.refused(RefusalMessage(status: .tooLarge, reason: "9 at most"))
    #expect(answer.after == .drainThenClose)
    #expect(answer.message?.asFinal?.left == .known(10))

    server = try ServerExchange.deciding(payload(ServerExchange.largestDiscard + 1))
    #expect(server.refused(RefusalMessage(status: .noRoute, reason: "none")).after == .drainThenClose)

    server = try ServerExchange.deciding(payload(0))
    #expect(server.refused(RefusalMessage(status: .noRoute, reason: "none")).after == .keepOpen)
    #expect(server.bytesAvailable(1) == .parsePacket)
  }
}

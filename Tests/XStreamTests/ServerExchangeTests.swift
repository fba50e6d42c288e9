import Testing

@testable import XStream

@Suite("ServerExchange: a stream from open to final")
struct ServerExchangeTests {
  @Test("takes a whole stream and then the next packet")
  func whole() throws {
    var server = ServerExchange()
    let open = ClientRequest.open(Samples.open(.known(20_000)))
    #expect(server.bytesAvailable(90) == .parsePacket)
    #expect(server.received(try open.head()) == .admit(open))
    #expect(server.bytesAvailable(10) == .hold)
    #expect(server.offered(Samples.grant()) == .receive(Samples.offer()))
    #expect(server.bytesAvailable(4096) == .forward(4096, .more))
    #expect(server.safe(upTo: 4096) == .none)
    #expect(server.bytesAvailable(20_000) == .forward(15_904, .endOfUpload))
    #expect(server.bytesAvailable(4096) == .hold)
    #expect(server.completed() == .send(Samples.ok(), .keepOpen))
    #expect(server.isIdle)
    #expect(server.bytesAvailable(4096) == .parsePacket)
  }

  @Test("finishes a stream of no bytes at once")
  func empty() throws {
    var server = try ServerExchange.deciding(.open(Samples.open(.known(0))))
    #expect(server.offered(Samples.grant()) == .finish(Samples.offer()))
    #expect(server.bytesAvailable(5) == .hold)
    #expect(server.completed() == .send(Samples.ok(), .keepOpen))
  }

  @Test("takes the next N of a partial offer, says how much is left and stays open")
  func partial() throws {
    var server = try ServerExchange.receiving(.known(20_000), .next(8192))
    #expect(server.bytesAvailable(8191) == .forward(8191, .more))
    #expect(server.bytesAvailable(100) == .forward(1, .endOfGrant))
    #expect(server.bytesAvailable(99) == .hold)
    #expect(server.safe(upTo: 8192) == .none)
    let answer = server.partiallyFilled()
    #expect(answer.after == .keepOpen)
    let final = try #require(answer.message?.asFinal)
    #expect(final.status == .partial)
    #expect(final.left == .known(11_808))
    #expect(final.offset == nil)
    #expect(server.bytesAvailable(99) == .parsePacket)
  }

  @Test("goes on from the offset, and calls a part that covers the rest the whole")
  func resume() throws {
    let resume = ResumeRequest(open: Samples.open(.known(100)), key: Samples.key)
    var server = try ServerExchange.deciding(.resume(resume))
    #expect(
      server.offered(Samples.grant(.next(60), offset: 40)) == .receive(Samples.offer(.whole, offset: 40)))
    #expect(server.bytesAvailable(61) == .forward(60, .endOfUpload))
    #expect(server.completed(digest: Samples.digest).message == Samples.ok(digest: Samples.digest))
  }

  @Test("offers nothing but the final where all bytes are there already")
  func resumeAtEnd() throws {
    let resume = ResumeRequest(open: Samples.open(.known(100)), key: Samples.key)
    var server = try ServerExchange.deciding(.resume(resume))
    #expect(server.offered(Samples.grant(offset: 100)) == .finish(Samples.offer(offset: 100)))
    #expect(server.completed() == .send(Samples.ok(), .keepOpen))
  }

  @Test("sends a progress packet each n bytes, and never wider than 8 MiB")
  func progress() throws {
    func progress(_ offsets: Int64...) -> ServerExchange.OnSafe {
      .progress(offsets.map { .progress(Progress(key: Samples.key, offset: $0)) })
    }
    var server = try ServerExchange.receiving(.known(100), ack: 10)
    #expect(server.bytesAvailable(100) == .forward(100, .endOfUpload))
    #expect(server.safe(upTo: 9) == .none)
    #expect(server.safe(upTo: 10) == progress(10))
    #expect(server.safe(upTo: 19) == .none)
    #expect(server.safe(upTo: 55) == progress(55))
    #expect(server.safe(upTo: 64) == .none)
    #expect(server.safe(upTo: 65) == progress(65))

    let mib: Int64 = 1 << 20
    server = try ServerExchange.receiving(.known(100 * mib), ack: 50 * mib)
    #expect(server.bytesAvailable(Int(100 * mib)) == .forward(Int(100 * mib), .endOfUpload))
    #expect(server.safe(upTo: 8 * mib - 1) == .none)
    #expect(server.safe(upTo: 8 * mib) == progress(8 * mib))
    #expect(server.safe(upTo: 28 * mib) == progress(16 * mib, 24 * mib))
    #expect(server.safe(upTo: 32 * mib) == progress(32 * mib))

    server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(100)
    #expect(server.safe(upTo: 100) == .none)
  }

  @Test("tells a client that does not read only what the widest spacing asks for, and the rest once it reads")
  func unheardProgress() throws {
    let mib: Int64 = 1 << 20
    var server = try ServerExchange.receiving(.known(100 * mib), ack: mib)
    _ = server.bytesAvailable(Int(100 * mib))
    #expect(server.safe(upTo: 7 * mib, isHeard: false) == .none)
    let eight = ServerMessage.progress(Progress(key: Samples.key, offset: 8 * mib))
    #expect(server.safe(upTo: 11 * mib, isHeard: false) == .progress([eight]))
    let eleven = ServerMessage.progress(Progress(key: Samples.key, offset: 11 * mib))
    #expect(server.safe(upTo: 11 * mib) == .progress([eleven]))
    #expect(server.safe(upTo: 11 * mib) == .none)
  }

  @Test("answers another digest of no bytes with LEFT 0, because LEFT is TOTAL then")
  func digestOfNothing() throws {
    var server = try ServerExchange.deciding(.open(Samples.open(.known(0))))
    _ = server.offered(Samples.grant())
    let final = Final(status: .digest, reason: "other", key: Samples.key, left: .known(0))
    #expect(server.failed(.init(status: .digest, reason: "other")) == .send(.final(final), .keepOpen))
  }

  @Test("relays the size of a backend's answer")
  func reply() throws {
    var server = try ServerExchange.receiving(.known(1))
    _ = server.bytesAvailable(1)
    #expect(server.completed(reply: .bytes(17)) == .send(Samples.ok(reply: .bytes(17)), .keepOpen))
  }

  @Test("fails in the middle of the bytes: final, drain, close")
  func failsInTheMiddle() throws {
    var server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(60)
    _ = server.safe(upTo: 40)
    let answer = server.failed(.init(status: .storage, reason: "full"))
    #expect(
      answer
        == .send(
          .final(Final(status: .storage, reason: "full", key: Samples.key, left: .known(60))), .drainThenClose))
    #expect(server.bytesAvailable(1000) == .discard(1000))
    #expect(server.safe(upTo: 60) == .none)
    #expect(server.failed(.init(status: .internal, reason: "again")) == .none)
    #expect(server.inputEnded(clean: true) == .close)
  }

  @Test("fails after the last byte: LEFT is never 0, and the connection stays")
  func failsAtTheEnd() throws {
    var server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(100)
    _ = server.safe(upTo: 100)
    let answer = server.failed(.init(status: .storage, reason: "no rename"))
    #expect(answer.message?.asFinal?.left == .known(1))
    #expect(answer.after == .keepOpen)

    server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(100)
    _ = server.safe(upTo: 100)
    let mismatch = server.failed(.init(status: .digest, reason: "differs", digest: Samples.digest))
    #expect(mismatch.message?.asFinal?.left == .known(100))
    #expect(mismatch.message?.asFinal?.digest == Samples.digest)
    #expect(server.isIdle)

    server = try ServerExchange.deciding(.open(Samples.open(.known(0))))
    _ = server.offered(Samples.grant())
    let empty = server.failed(.init(status: .storage, reason: "full"))
    #expect(empty.message == .refusal(RefusalMessage(status: .storage, reason: "full")))
  }

  @Test("loses its stream to a newer connection with a status that is final")
  func takeover() throws {
    var server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(60)
    _ = server.safe(upTo: 40)
    let answer = server.detached()
    #expect(answer.after == .drainThenClose)
    #expect(answer.message?.asFinal?.status == .unknownKey)
    #expect(answer.message?.asFinal?.left == .known(60))
    #expect(server.detached() == .none)
    #expect(server.completed() == .none)
    #expect(server.partiallyFilled() == .none)
    #expect(server.bytesAvailable(10) == .discard(10))

    var idle = ServerExchange()
    #expect(idle.detached() == .none)
    #expect(idle.isIdle)
  }
}

import Testing

@testable import XStream

@Suite("ServerExchange: unknown totals and how connections end")
struct ServerExchangeEndingTests {
  @Test("a stream of unknown length is whole at its close_notify, and the connection is over")
  func unknownTotal() throws {
    var server = try ServerExchange.receiving(.unlimited)
    #expect(server.bytesAvailable(1000) == .forward(1000, .more))
    #expect(server.inputEnded(clean: true) == .finish)
    #expect(server.completed() == .send(Samples.ok(), .close))
  }

  @Test("a stream of unknown length that was lost is kept")
  func unknownTotalLost() throws {
    var server = try ServerExchange.receiving(.unlimited)
    _ = server.bytesAvailable(1000)
    #expect(server.inputEnded(clean: false) == .suspend)
    #expect(server.failed(.init(status: .timeout, reason: "late")) == .none)
  }

  @Test("a limit on a stream of unknown length: status 9, LEFT unknown, and a close")
  func unknownTotalLimited() throws {
    var server = try ServerExchange.receiving(.unlimited, .next(100))
    #expect(server.bytesAvailable(300) == .forward(100, .endOfGrant))
    #expect(server.bytesAvailable(200) == .discard(200))
    #expect(server.inputEnded(clean: true) == .answerFirst)
    let answer = server.partiallyFilled()
    #expect(answer.after == .close)
    let final = try #require(answer.message?.asFinal)
    #expect(final.status == .partial)
    #expect(final.left == .unlimited)
    #expect(final.offset == 100)

    server = try ServerExchange.receiving(.unlimited, .next(100))
    _ = server.bytesAvailable(100)
    #expect(server.partiallyFilled().after == .drainThenClose)
  }

  @Test("a store that kept a beginning of the grant only: LEFT and the offset count from there")
  func partlySafe() throws {
    var server = try ServerExchange.receiving(.known(20_000), .next(8192))
    _ = server.bytesAvailable(8192)
    _ = server.safe(upTo: 4096)
    let answer = server.partiallyFilled(safe: 5000)
    #expect(answer.after == .keepOpen)
    #expect(answer.message?.asFinal?.left == .known(15_000))
    #expect(answer.message?.asFinal?.offset == nil)

    server = try ServerExchange.receiving(.unlimited, .next(100))
    _ = server.bytesAvailable(100)
    let unlimited = try #require(server.partiallyFilled(safe: 60).message?.asFinal)
    #expect(unlimited.status == .partial && unlimited.left == .unlimited && unlimited.offset == 60)
  }

  @Test("a store that kept the whole grant, or does not say, is answered with the same packet")
  func whollySafe() throws {
    for total in [Total.known(20_000), .unlimited] {
      var (implied, given) = (
        try ServerExchange.receiving(total, .next(8192)), try ServerExchange.receiving(total, .next(8192))
      )
      _ = (implied.bytesAvailable(8192), given.bytesAvailable(8192))
      #expect(implied.partiallyFilled() == given.partiallyFilled(safe: 8192))
    }
  }

  @Test("a stream of unknown length that ends exactly at its limit is whole")
  func unknownTotalExact() throws {
    var server = try ServerExchange.receiving(.unlimited, .next(100))
    #expect(server.bytesAvailable(100) == .forward(100, .endOfGrant))
    #expect(server.inputEnded(clean: true) == .finish)
    #expect(server.inputEnded(clean: true) == .answerFirst)
    #expect(server.partiallyFilled() == .none)
    #expect(server.completed() == .send(Samples.ok(), .close))
  }

  @Test("an offer near the end of the numbers does not overflow")
  func hugeOffer() throws {
    let resume = ResumeRequest(open: Samples.open(.unlimited), key: Samples.key)
    var server = try ServerExchange.deciding(.resume(resume))
    #expect(
      server.offered(Samples.grant(.next(.max), offset: 10))
        == .receive(Samples.offer(.next(.max - 10), offset: 10)))
  }

  @Test("close_notify before the last byte is a lost connection, after it is none")
  func knownTotalEnds() throws {
    var server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(99)
    #expect(server.inputEnded(clean: true) == .suspend)

    server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(100)
    #expect(server.inputEnded(clean: true) == .answerFirst)
    #expect(server.completed() == .send(Samples.ok(), .close))

    server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(100)
    #expect(server.inputEnded(clean: false) == .close)
    #expect(server.completed() == .none)

    server = try ServerExchange.receiving(.known(100), .next(50))
    _ = server.bytesAvailable(50)
    #expect(server.inputEnded(clean: false) == .suspend)
    #expect(server.partiallyFilled() == .none)
  }

  @Test("an end while the core decides")
  func endsWhileDeciding() throws {
    var server = try ServerExchange.deciding(.open(Samples.open(.known(9))))
    #expect(server.inputEnded(clean: true) == .answerFirst)
    #expect(server.offered(Samples.grant()) == .suspend(Samples.offer()))

    server = try ServerExchange.deciding(.open(Samples.open(.unlimited)))
    #expect(server.inputEnded(clean: true) == .answerFirst)
    #expect(server.offered(Samples.grant()) == .finish(Samples.offer()))
    #expect(server.completed() == .send(Samples.ok(), .close))

    server = try ServerExchange.deciding(.open(Samples.open(.known(9))))
    #expect(server.inputEnded(clean: true) == .answerFirst)
    #expect(server.refused(RefusalMessage(status: .busy, reason: "full")).after == .close)

    server = try ServerExchange.deciding(.open(Samples.open(.known(9))))
    #expect(server.inputEnded(clean: false) == .close)
    #expect(server.offered(Samples.grant()) == .suspend(nil))
    #expect(server.refused(RefusalMessage(status: .busy, reason: "full")) == .none)
  }

  @Test("a small upload that is cut short is dropped")
  func smallUploadCut() throws {
    let request = ClientRequest.payload(PayloadRequest(context: Samples.context, format: .json, size: 10))
    var server = try ServerExchange.deciding(request)
    _ = server.payloadAccepted(key: Samples.key)
    _ = server.bytesAvailable(9)
    #expect(server.inputEnded(clean: true) == .drop)
    server = try ServerExchange.deciding(request)
    #expect(server.inputEnded(clean: true) == .answerFirst)
    #expect(server.payloadAccepted(key: Samples.key) == .drop)
  }

  @Test("a shutdown closes what is idle, suspends what is under way and answers what is whole")
  func shutDown() throws {
    var server = ServerExchange()
    #expect(server.shutDown() == .close)

    server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(60)
    _ = server.safe(upTo: 30)
    guard case .suspend(let message, .drainThenClose) = server.shutDown() else {
      Issue.record("not suspended")
      return
    }
    #expect(message.asFinal?.status == .shutdown)
    #expect(message.asFinal?.left == .known(70))

    server = try ServerExchange.receiving(.known(100))
    _ = server.bytesAvailable(100)
    #expect(server.shutDown() == .answerFirst)
    #expect(server.completed() == .send(Samples.ok(), .drainThenClose))

    server = try ServerExchange.deciding(.open(Samples.open(.known(9))))
    #expect(server.shutDown() == .answerFirst)
    #expect(server.refused(RefusalMessage(status: .shutdown, reason: "going away")).after == .drainThenClose)
    #expect(server.shutDown() == .answerFirst)
  }

  @Test("an end between packets closes")
  func idle() {
    var server = ServerExchange()
    #expect(server.inputEnded(clean: true) == .close)
    #expect(server.bytesAvailable(3) == .discard(3))
  }
}

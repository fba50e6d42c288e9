import Testing

@testable import XStream

@Suite("ClientExchange")
struct ClientExchangeTests {
  private func sending(
    _ total: Total, _ extent: Offer.Extent = .whole, digest: StreamDigest? = nil
  ) throws -> ClientExchange {
    var client = ClientExchange()
    _ = try client.start(.open(Samples.open(total, digest: digest)))
    #expect(try client.received(Samples.offer(extent).head) == .send(from: 0, portion: 4096))
    return client
  }

  private func resuming(safe: Int64, sent: Int64?) throws -> ClientExchange {
    var client = ClientExchange()
    let resume = ResumeRequest(open: Samples.open(.known(100)), key: Samples.key)
    _ = try client.start(.resume(resume), from: ResumePoint(key: Samples.key, safe: safe, sent: sent))
    return client
  }

  private func progress(_ offset: Int64, key: StreamKey = Samples.key) -> PacketHead {
    ServerMessage.progress(Progress(key: key, offset: offset)).head
  }

  private func final(_ status: Status, left: Total, key: StreamKey? = Samples.key) -> PacketHead {
    ServerMessage.final(Final(status: status, key: key, left: left)).head
  }

  @Test("sends what was offered and is done with the final")
  func whole() throws {
    var client = try sending(.known(100))
    #expect(client.sendable == 100)
    #expect(client.sent(60) == .more)
    #expect(client.sendable == 40)
    #expect(try client.received(progress(50)) == .progress(50))
    #expect(client.resumePoint == ResumePoint(key: Samples.key, safe: 50, sent: 60))
    #expect(client.sent(40) == .awaitFinal)
    guard case .over(let outcome) = try client.received(Samples.ok().head) else {
      Issue.record("not over")
      return
    }
    #expect(outcome.next == .done)
    #expect(outcome.connectionStays)
    #expect(client.isIdle)
  }

  @Test("awaits the final where nothing is missing")
  func empty() throws {
    var client = ClientExchange()
    _ = try client.start(.open(Samples.open(.known(0))))
    #expect(try client.received(Samples.offer().head) == .awaitFinal)
    guard case .over = try client.received(Samples.ok().head) else {
      Issue.record("not over")
      return
    }
  }

  @Test("resumes on the same connection after a partial offer")
  func partial() throws {
    var client = try sending(.known(100), .next(30))
    #expect(client.sent(30) == .awaitFinal)
    guard case .over(let outcome) = try client.received(final(.partial, left: .known(70))) else {
      Issue.record("not over")
      return
    }
    let point = ResumePoint(key: Samples.key, safe: 30, sent: 30)
    #expect(outcome.next == .resume(point, after: nil))
    #expect(outcome.connectionStays)
    let resume = ResumeRequest(open: Samples.open(.known(100)), key: Samples.key)
    _ = try client.start(.resume(resume), from: point)
    #expect(try client.received(Samples.offer(offset: 30).head) == .send(from: 30, portion: 4096))
    #expect(client.sendable == 70)
  }

  @Test("ends a stream of unknown length itself")
  func unknownTotal() throws {
    var client = try sending(.unlimited)
    #expect(client.sent(1000) == .more)
    let endsOutput = client.sourceEnded()
    #expect(endsOutput)
    #expect(client.sendable == 0)
    guard case .over(let outcome) = try client.received(Samples.ok().head) else {
      Issue.record("not over")
      return
    }
    #expect(!outcome.connectionStays)
    #expect(client.bytesAvailable(3) == .discard(3))
  }

  @Test("reads a backend's answer and then the next packet")
  func reply() throws {
    var client = try sending(.known(1))
    _ = client.sent(1)
    #expect(client.bytesAvailable(90) == .parsePacket)
    _ = try client.received(Samples.ok(reply: .bytes(10)).head)
    #expect(client.bytesAvailable(4) == .reply(4, isLast: false))
    #expect(client.bytesAvailable(9) == .reply(6, isLast: true))
    #expect(client.isIdle)
  }

  @Test("knows what is worth another try")
  func refusals() throws {
    func next(_ refusal: RefusalMessage, resume: Bool = false) throws -> ClientOutcome? {
      var client = ClientExchange()
      if resume {
        client = try resuming(safe: 5, sent: 9)
      } else {
        _ = try client.start(.open(Samples.open(.known(100))))
      }
      if case .over(let outcome) = try client.received(ServerMessage.refusal(refusal).head) { return outcome }
      return nil
    }
    #expect(try next(RefusalMessage(status: .busy, reason: "full", retryAfter: 5))?.next == .retry(after: 5))
    #expect(try next(RefusalMessage(status: .noRoute, reason: "none"))?.next == .never)
    #expect(try next(RefusalMessage(status: .noRoute, reason: "none"))?.connectionStays == true)
    #expect(try next(RefusalMessage(status: .malformed, reason: "no"))?.connectionStays == false)
    #expect(
      try next(RefusalMessage(status: .quota, reason: "used"), resume: true)?.next
        == .resume(ResumePoint(key: Samples.key, safe: 5, sent: 9), after: nil))
    #expect(
      try next(RefusalMessage(status: .format, reason: "no", formats: [.json, .text]))?.formats == [.json, .text])
    // The key of a stream that is gone is of no use, so the next try is a new stream.
    #expect(try next(RefusalMessage(status: .gone, reason: "gone"), resume: true)?.next == .retry(after: nil))
  }

  @Test("stops when the server fails in the middle of the bytes")
  func failsInTheMiddle() throws {
    var client = try sending(.known(100))
    _ = client.sent(60)
    guard case .over(let outcome) = try client.received(final(.storage, left: .known(60))) else {
      Issue.record("not over")
      return
    }
    #expect(outcome.next == .resume(ResumePoint(key: Samples.key, safe: 40, sent: 60), after: nil))
    #expect(!outcome.connectionStays)
    #expect(client.sendable == 0)
    #expect(client.inputEnded() == .closed)
  }

  @Test("does not come back after another connection took the stream over")
  func takeover() throws {
    var client = try sending(.known(100))
    _ = client.sent(60)
    guard case .over(let outcome) = try client.received(final(.unknownKey, left: .known(60))) else {
      Issue.record("not over")
      return
    }
    #expect(outcome.next == .never)
  }

  @Test("gives up, asks, and uploads small bodies")
  func others() throws {
    var client = ClientExchange()
    _ = try client.start(.giveUp(GiveUpRequest(context: Samples.context, key: Samples.key)))
    guard case .over(let gaveUp) = try client.received(ServerMessage.gaveUp.head) else { return }
    #expect(gaveUp.next == .done)
    _ = try client.start(.ask(AskRequest(context: Samples.context, total: .known(9), key: Samples.key)))
    let answer = Final(status: .partial, key: Samples.key, left: .known(5), offset: 4)
    guard case .over(let asked) = try client.received(ServerMessage.final(answer).head) else { return }
    #expect(asked.next == .resume(ResumePoint(key: Samples.key, safe: 4), after: nil))
    _ = try client.start(.payload(PayloadRequest(context: Samples.context, format: .json, size: 9)))
    guard case .over(let uploaded) = try client.received(Samples.ok().head) else { return }
    #expect(uploaded.key == Samples.key)
    #expect(client.isIdle)
  }

  @Test("tells where to resume when the connection is lost")
  func lost() throws {
    var client = try sending(.known(100))
    _ = client.sent(60)
    _ = try client.received(progress(20))
    #expect(client.inputEnded() == .lost(ResumePoint(key: Samples.key, safe: 20, sent: 60)))
    #expect(client.inputEnded() == .closed)
  }

  @Test("holds the server to its word")
  func violations() throws {
    func violation(_ client: ClientExchange, _ head: PacketHead) -> ServerViolation? {
      var client = client
      do throws(ServerViolation) {
        _ = try client.received(head)
        return nil
      } catch {
        #expect(client.inputEnded() == .closed)
        return error
      }
    }
    var client = try sending(.known(100), digest: Samples.digest)
    _ = client.sent(60)
    _ = try client.received(progress(50))
    #expect(violation(client, progress(49)) == .offsetWentBack(from: 50, to: 49))
    #expect(violation(client, progress(61)) == .offsetBeyond(61, sent: 60))
    #expect(violation(client, progress(55, key: Samples.otherKey)) == .key)
    #expect(violation(client, Samples.ok().head) == .left(.known(0)))
    #expect(violation(client, final(.partial, left: .known(40))) == .left(.known(40)))
    #expect(violation(client, final(.storage, left: .known(101))) == .left(.known(101)))
    #expect(violation(client, final(.storage, left: .known(39))) == .left(.known(39)))
    #expect(violation(client, final(.storage, left: .unlimited)) == .left(.unlimited))
    #expect(violation(client, final(.ok, left: .known(4))) == .message(.statusAgainstLeft))
    #expect(violation(client, Samples.offer().head) == .unexpected("an offer"))
    _ = client.sent(40)
    #expect(violation(client, Samples.ok().head) == .digest)
    #expect(violation(client, Samples.ok(digest: Samples.otherDigest).head) == .digest)
    #expect(violation(client, final(.ok, left: .known(0), key: nil)) == .key)
    #expect(violation(client, Samples.ok(digest: Samples.digest).head) == nil)

    let resumed = try resuming(safe: 20, sent: 60)
    #expect(violation(resumed, Samples.offer().head) == .offsetMissing)
    #expect(violation(resumed, Samples.offer(offset: 19).head) == .offsetWentBack(from: 20, to: 19))
    #expect(violation(resumed, Samples.offer(offset: 61).head) == .offsetBeyond(61, sent: 60))
    #expect(violation(resumed, Samples.offer(offset: 60).head) == nil)
    #expect(violation(try resuming(safe: 0, sent: nil), Samples.offer(offset: 100).head) == nil)
    #expect(violation(try resuming(safe: 0, sent: nil), Samples.offer(offset: 101).head) != nil)
    #expect(violation(resumed, final(.ok, left: .known(0), key: Samples.otherKey)) == .key)
    #expect(violation(resumed, Samples.ok().head) == nil)

    var unlimited = try sending(.unlimited)
    _ = unlimited.sent(5)
    #expect(violation(unlimited, Samples.ok().head) == .left(.known(0)))

    var filled = try sending(.known(100), .next(50))
    #expect(filled.sent(50) == .awaitFinal)
    _ = try filled.received(progress(30))
    for left in [50, 60, 70] as [Int64] { #expect(violation(filled, final(.partial, left: .known(left))) == nil) }
    for left in [49, 71, 101] as [Int64] {
      #expect(violation(filled, final(.partial, left: .known(left))) == .left(.known(left)))
    }

    var limited = try sending(.unlimited, .next(5))
    #expect(limited.sent(5) == .awaitFinal)
    #expect(violation(limited, Samples.ok().head) == .left(.known(0)))
    #expect(violation(limited, final(.partial, left: .unlimited)) == nil)
  }

  @Test("survives whatever a server says")
  func survives() throws {
    var random = SplitMix(seed: 11)
    let numbers = ["0", "1", "4096", "20000", "9223372036854775807", "-1", "*"]
    func number() -> String { numbers.randomElement(using: &random) ?? "0" }
    func maybe(_ name: HeaderName, _ value: String) -> [PacketHead.Header] {
      Bool.random(using: &random) ? [PacketHead.Header(name, value)] : []
    }
    let whole = try sending(.known(.max))
    var filled = try sending(.known(20_000), .next(4096))
    _ = filled.sent(4096)
    var opening = ClientExchange()
    _ = try opening.start(.open(Samples.open(.unlimited)))
    let clients = [whole, filled, opening, try resuming(safe: 5, sent: nil), ClientExchange()]
    var accepted = 0
    for _ in 0..<20_000 {
      var client = clients.randomElement(using: &random) ?? ClientExchange()
      let head = PacketHead(
        maybe(.status, String(Int.random(in: 0...17, using: &random))) + maybe(.streamKey, Samples.key.text)
          + maybe(.stream, Bool.random(using: &random) ? "-1" : "\(number()):\(number())")
          + maybe(.streamOffset, number()) + maybe(.dataFormat, "bytes"),
        payload: Bool.random(using: &random) ? .none : .bytes(.max))
      guard case .send(_, let portion)? = try? client.received(head) else { continue }
      accepted += 1
      #expect(portion > 0)
      #expect(client.sendable > 0)
    }
    #expect(accepted > 10)
  }
}

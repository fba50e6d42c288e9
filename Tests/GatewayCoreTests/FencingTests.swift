import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

/// What the ledger says to a gateway whose upload another has taken over, and maybe ended.
private let takenOver: [LedgerError] = [.fenced, .unknown]

@Suite("An upload that another gateway has taken over")
struct FencingTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  private func begun(total: Int64? = 100, shape: UploadRequest.Shape = .stream) throws -> TestFront {
    let front = try fixture.open(fixture.request(total: total, shape: shape, acknowledgeEvery: 1), on: loop)
    loop.run()
    front.write(30)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 30")
    return front
  }

  /// The bytes are the other gateway's now, and so is the record.
  private func expectNothingRemoved() {
    #expect(!fixture.ledger.calls.contains(.release))
    #expect(fixture.forwarder.sinks.allSatisfy { !$0.calls.contains("abandon") })
    #expect(fixture.forwarder.discarded.isEmpty)
    #expect(fixture.forwarder.live.isEmpty)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.gateway.memory.bytesInUse == 0)
    #expect(fixture.gateway.connectedByRoute.isEmpty)
    #expect(fixture.forwarder.violations.isEmpty)
    #expect(fixture.observer.ends.count == 1)
  }

  @Test("is superseded for its client when an offset is not recorded", arguments: takenOver)
  func advance(error: LedgerError) throws {
    let front = try begun()
    fixture.ledger.failNext(.advance, error)
    front.write(20)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.said == ["offered 0..<100", "safe 30", "superseded", "suspended 30"])
    front.write(10)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(10))
    #expect(front.last == "suspended 30")
    #expect(fixture.ledger.calls.count(where: { $0 == .advance }) == 2, "nothing more is recorded")
    expectNothingRemoved()
  }

  @Test("is superseded for its client when its completion is not recorded", arguments: takenOver)
  func completion(error: LedgerError) throws {
    let front = try begun()
    fixture.ledger.failNext(.complete, error)
    front.write(70)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(10))
    #expect(front.said == ["offered 0..<100", "safe 30", "superseded", "suspended 30"])
    #expect(fixture.ledger.calls.count(where: { $0 == .complete }) == 1, "no second try")
    expectNothingRemoved()
  }

  @Test(
    "is superseded for a client that sent all it was offered when the last offset is not recorded", arguments: takenOver
  )
  func lastAdvance(error: LedgerError) throws {
    let front = try begun()
    fixture.ledger.failNext(.advance, error)
    front.write(20)
    front.upload?.leave()
    loop.advanceTime(by: .seconds(10))
    #expect(front.said == ["offered 0..<100", "safe 30", "superseded", "suspended 30"])
    expectNothingRemoved()
  }

  @Test(
    "ends once where both an offset and the completion behind it are not recorded", arguments: takenOver,
    [.fenced, .unknown, .engine("disk full")] as [LedgerError])
  func both(first: LedgerError, second: LedgerError) throws {
    let front = try begun()
    fixture.ledger.isHeld = true
    fixture.ledger.failNext(.advance, first)
    fixture.ledger.failNext(.complete, second, times: 5)
    front.write(20)
    loop.advanceTime(by: .milliseconds(50))
    front.write(50)
    front.upload?.finish()
    loop.run()
    #expect(fixture.ledger.calls.suffix(2) == [.advance, .complete])
    fixture.ledger.isHeld = false
    while fixture.ledger.answerNext() {}
    loop.advanceTime(by: .seconds(10))
    #expect(front.said.filter { $0 == "superseded" }.count == 1)
    if case .engine = second {
      #expect(front.last == "failed storage 30")
    } else {
      #expect(front.last == "suspended 30")
    }
    expectNothingRemoved()
  }

  @Test("is superseded before its offer where a store had all of it", arguments: takenOver)
  func beforeOffer(error: LedgerError) throws {
    let front = try begun()
    fixture.ledger.failNext(.complete, times: 5)
    front.write(70)
    front.upload?.finish()
    loop.advanceTime(by: .seconds(10))
    #expect(front.last == "failed storage 30")
    let key = try #require(front.offer?.key)
    fixture.ledger.failNext(.complete, error)
    let next = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(next.said == ["refused superseded"])
    #expect(fixture.forwarder.sinks.allSatisfy { !$0.calls.contains("abandon") })
    #expect(fixture.gateway.connectedByRoute.isEmpty)
  }

  @Test("is neither kept nor removed where it is a payload", arguments: takenOver)
  func payload(error: LedgerError) throws {
    let front = try begun(shape: .payload)
    fixture.ledger.failNext(.advance, error)
    front.write(20)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.said == ["offered 0..<100", "safe 30", "superseded", "suspended 30"])
    expectNothingRemoved()
  }

  @Test("keeps its bytes where it was to be dropped")
  func release() throws {
    let front = try begun()
    fixture.forwarder.failNext(.write, .content(ContentFault(offset: 31, reason: "a test")))
    fixture.ledger.failNext(.release, .fenced)
    front.write(20)
    loop.advanceTime(by: .seconds(10))
    #expect(front.last == "failed content 0")
    #expect(fixture.forwarder.sinks.allSatisfy { !$0.calls.contains("abandon") })
    #expect(fixture.forwarder.live.isEmpty)
    #expect(fixture.observer.ends.count == 1)
  }
}

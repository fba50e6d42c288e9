import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayCore

/// What is recorded of uploads for those who hear of them, in the transaction that makes it true.
@OneThread
@Suite("Events that are recorded") struct RecordedEventTests {
  /// Hears of everything.
  private struct AllEars: EventSource {
    func events(of kind: EventKind, _ upload: UploadRecord, location: String?, at now: WallTime) -> [Event] {
      [
        Event(
          id: Event.id(of: kind, upload.key), target: "there", key: upload.key, kind: kind, at: now,
          body: "\(upload.facts.route) \(upload.committed)")
      ]
    }
  }

  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture(events: AllEars())

  private func begun(total: Int64?, shape: UploadRequest.Shape = .stream) throws -> (TestFront, UploadKey) {
    let front = try fixture.open(fixture.request(total: total, shape: shape), on: loop)
    loop.run()
    return (front, try #require(front.offer?.key))
  }

  private func expect(_ kinds: [EventKind], of key: UploadKey, sourceLocation: SourceLocation = #_sourceLocation) {
    let events = fixture.ledger.events.filter { $0.key == key }
    #expect(events.map(\.kind) == kinds, sourceLocation: sourceLocation)
    #expect(Set(events.map(\.id)).count == kinds.count, sourceLocation: sourceLocation)
  }

  @Test("are one for its beginning and one for its completion, though the first attempt to record that is lost")
  func completes() throws {
    let (front, key) = try begun(total: 400)
    expect([.begun], of: key)
    fixture.ledger.loseNextAnswer(.complete)
    front.write(400)
    front.upload?.finish()
    loop.run()
    loop.advanceTime(by: .seconds(1))
    #expect(front.last == "complete 400")
    expect([.begun, .completed], of: key)
    #expect(fixture.ledger.events.last?.body == "\(GatewayFixture.path) 400")
  }

  @Test("are none where the ledger did not take the change") func none() throws {
    let (front, key) = try begun(total: 400)
    fixture.ledger.failNext(.complete, times: 10)
    front.write(400)
    front.upload?.finish()
    for _ in 1...10 { loop.advanceTime(by: .seconds(1)) }
    expect([.begun], of: key)
  }

  @Test("tell that an upload was given up, was broken off, or was removed") func drops() throws {
    let (front, key) = try begun(total: 400)
    front.write(100)
    loop.run()
    var isDone = false
    fixture.gateway.cancel(key, fixture.context(), on: loop).assumeIsolated().whenSuccess { _ in isDone = true }
    loop.run()
    #expect(isDone)
    expect([.begun, .dropped], of: key)

    let (payload, second) = try begun(total: 400, shape: .payload)
    payload.write(100)
    payload.upload?.leave()
    loop.run()
    expect([.begun, .dropped], of: second)

    let (whole, third) = try begun(total: 400)
    whole.write(400)
    whole.upload?.finish()
    loop.run()
    fixture.gateway.remove(third, fixture.context(), on: loop).assumeIsolated().whenComplete { _ in }
    loop.run()
    expect([.begun, .completed, .removed], of: third)
  }

  @Test("tell that nobody went on with an upload, once") func expires() async throws {
    let (front, key) = try begun(total: 400)
    front.upload?.leave()
    loop.run()
    fixture.clock.advance(byMilliseconds: 3_600_000)
    let gateway = fixture.gateway
    for _ in 1...2 { _ = try await turning { try await gateway.dropExpired(on: $0) } }
    expect([.begun, .expired], of: key)
  }

  @Test("tell of what a crash had kept the ledger from hearing") func recovers() async throws {
    let facts = UploadFacts(key: .mint(), route: GatewayFixture.path, total: 100, createdAt: fixture.clock.now)
    fixture.ledger.insert(
      UploadRecord(
        facts: facts, committed: 40, granted: 100, state: .open, epoch: 3, expiresAt: fixture.clock.now))
    fixture.forwarder.found = [facts.key: .complete(size: 100)]
    let gateway = fixture.gateway
    _ = try await turning { try await gateway.recover(on: $0) }
    expect([.completed], of: facts.key)
  }

  @Test("are none of a part, which is nothing by itself") func parts() throws {
    var request = fixture.request(total: 400)
    request.isPart = true
    let front = try fixture.open(request, on: loop)
    loop.run()
    #expect(front.offer != nil)
    #expect(fixture.ledger.events.isEmpty)
  }
}

import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("What a store wants to know of an upload again")
struct StoreStateTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  @Test("is recorded with the safe offset that it belongs to, and given to the next sink")
  func travels() throws {
    fixture.forwarder.tellsState = true
    let front = try fixture.open(fixture.request(total: 100, acknowledgeEvery: 1), on: loop)
    loop.run()
    let key = try #require(front.offer?.key)
    #expect(fixture.ledger.uploads[key]?.storeState == "state of \(key.logID)")
    front.write(30)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "safe 30")
    #expect(fixture.ledger.uploads[key]?.storeState == "state at 30")
    front.write(20)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 50")
    #expect(fixture.ledger.advances.map(\.storeState) == ["state at 30", "state at 50"])
    #expect(fixture.ledger.advances.map(\.endsLease) == [false, true])
    let next = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(next.said == ["offered 50..<100"])
    #expect(fixture.forwarder.opened.map(\.state) == ["state of \(key.logID)", "state at 50"])
    #expect(fixture.forwarder.violations.isEmpty)
  }

  @Test("stays as it was where the sink says nothing of it")
  func stays() throws {
    let front = try fixture.open(fixture.request(total: 100, acknowledgeEvery: 1), on: loop)
    loop.run()
    front.write(30)
    loop.advanceTime(by: .milliseconds(50))
    front.upload?.leave()
    loop.run()
    #expect(fixture.ledger.advances.map(\.storeState) == [nil, nil])
    let key = try #require(front.offer?.key)
    #expect(fixture.ledger.uploads[key]?.storeState == "state of \(key.logID)")
  }

  @Test("is what belonged to the last recorded offset, where the ledger did not record a later one")
  func unrecorded() throws {
    fixture.forwarder.tellsState = true
    let front = try fixture.open(fixture.request(total: 100, acknowledgeEvery: 1), on: loop)
    loop.run()
    front.write(30)
    loop.advanceTime(by: .milliseconds(50))
    fixture.ledger.failNext(.advance)
    front.write(20)
    loop.advanceTime(by: .milliseconds(50))
    #expect(front.last == "failed storage 30")
    let key = try #require(front.offer?.key)
    let next = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(next.said == ["offered 30..<100"])
    #expect(fixture.forwarder.opened.last?.state == "state at 30")
    #expect(fixture.forwarder.violations.isEmpty)
  }

  @Test("is not lost where a checkpoint is answered while the upload lets go already")
  func answeredLate() throws {
    fixture.forwarder.tellsState = true
    fixture.forwarder.isHeld = true
    let front = try fixture.open(fixture.request(total: 100, acknowledgeEvery: 1), on: loop)
    loop.run()
    let sink = try #require(fixture.forwarder.sinks.last)
    #expect(sink.sayNext())
    front.write(30)
    #expect(sink.sayNext())
    loop.advanceTime(by: .milliseconds(50))
    front.upload?.leave()
    while sink.sayNext() { loop.run() }
    loop.run()
    #expect(front.last == "suspended 30")
    #expect(fixture.ledger.advances.map(\.storeState) == ["state at 30"])
  }
}

import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("A store that makes only whole parts safe")
struct GranularityTests {
  private static let part: Int64 = 5 << 20
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture(window: 64 << 20, granularity: Self.part)

  private func mebibytes(_ count: Int) -> Int { count << 20 }

  @Test("is asked for a checkpoint once a part is there, and not again for the rest")
  func checkpoints() throws {
    let front = try fixture.open(fixture.request(total: 100 << 20, acknowledgeEvery: 1 << 20), on: loop)
    loop.run()
    let sink = try #require(fixture.forwarder.sinks.last)
    front.write(mebibytes(4))
    loop.advanceTime(by: .seconds(10))
    #expect(sink.calls.filter { $0 == "checkpoint" }.isEmpty, "no part is whole")
    front.write(mebibytes(4))
    loop.advanceTime(by: .seconds(10))
    #expect(front.last == "safe \(Self.part)")
    #expect(sink.calls.filter { $0 == "checkpoint" }.count == 1)
    front.write(mebibytes(9))
    loop.advanceTime(by: .seconds(10))
    #expect(front.last == "safe \(3 * Self.part)")
    #expect(sink.calls.filter { $0 == "checkpoint" }.count == 2)
    front.upload?.leaveSilently()
    loop.run()
    #expect(fixture.forwarder.violations.isEmpty)
  }

  @Test("lets go at less than was granted although all of that arrived, and its client goes on from there")
  func suspendsLower() throws {
    let fixture = GatewayFixture(window: 64 << 20, held: 7 << 20, granularity: Self.part)
    let front = try fixture.open(fixture.request(total: 12 << 20), on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<\(7 << 20)"])
    front.write(mebibytes(7))
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended \(Self.part)")
    let key = try #require(front.offer?.key)
    #expect(fixture.ledger.uploads[key]?.committed == Self.part)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 7 << 20)
    #expect(fixture.gateway.memory.bytesInUse == 0)
    let next = try fixture.resume(fixture.resumption(of: key, offset: Self.part), on: loop)
    loop.run()
    #expect(next.said == ["offered \(Self.part)..<\(7 << 20)"])
    #expect(fixture.forwarder.violations.isEmpty)
  }

  @Test("has the last, short part when all is there")
  func finishes() throws {
    let front = try fixture.open(fixture.request(total: 12 << 20), on: loop)
    loop.run()
    front.write(mebibytes(11))
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended \(2 * Self.part)")
    let key = try #require(front.offer?.key)
    let next = try fixture.resume(key, total: 12 << 20, on: loop)
    loop.run()
    next.write(mebibytes(2))
    next.upload?.finish()
    loop.run()
    #expect(next.said == ["offered \(2 * Self.part)..<\(12 << 20)", "complete \(12 << 20)"])
    #expect(fixture.forwarder.violations.isEmpty)
    #expect(fixture.ledger.violations.isEmpty)
  }

  @Test("loses only what is in no part when it fails")
  func fails() throws {
    let front = try fixture.open(fixture.request(total: 20 << 20, acknowledgeEvery: 1 << 20), on: loop)
    loop.run()
    front.write(mebibytes(6))
    loop.advanceTime(by: .milliseconds(50))
    fixture.forwarder.failNext(.write)
    front.write(mebibytes(6))
    loop.run()
    #expect(front.last == "failed full \(Self.part)")
    #expect(fixture.gateway.memory.bytesInUse == 0)
  }
}

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

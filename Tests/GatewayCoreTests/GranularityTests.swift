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

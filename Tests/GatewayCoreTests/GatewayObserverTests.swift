import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("A gateway's observer")
struct GatewayObserverTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  private func offered(_ total: Int64 = 100, shape: UploadRequest.Shape = .stream) throws -> TestFront {
    let front = try fixture.open(fixture.request(total: total, shape: shape), on: loop)
    loop.run()
    return front
  }

  @Test("hears once of each request that is refused before there is an upload, with its route where there is one")
  func refusals() throws {
    #expect(throws: Refusal.self) { try fixture.open(fixture.request(total: 1, route: "/none"), on: loop) }
    #expect(throws: Refusal.self) { try fixture.open(fixture.request(total: 1, format: nil), on: loop) }
    #expect(throws: Refusal.self) { try fixture.open(fixture.request(total: 1 << 40), on: loop) }
    #expect(throws: Refusal.self) {
      try fixture.resume(fixture.resumption(of: .mint(), format: .value(.text)), on: loop)
    }
    let status = fixture.gateway.status(of: .mint(), fixture.context(), on: loop)
    let cancelled = fixture.gateway.cancel(.mint(), fixture.context(), on: loop)
    let nowhere = fixture.gateway.cancel(.mint(), fixture.context(route: "/none"), on: loop)
    let unknown = fixture.gateway.status(of: .mint(), fixture.context(route: "/none"), on: loop)
    loop.run()
    for future in [cancelled, nowhere] { #expect(throws: Refusal.self) { try future.wait() } }
    for future in [status, unknown] { #expect(throws: Refusal.self) { try future.wait() } }
    let path = GatewayFixture.path
    #expect(
      fixture.observer.said.sorted()
        == [
          "refused noRoute on no route", "refused format(accepted: [GatewayCore.DataFormat.bytes]) on \(path)",
          "refused tooLarge(limit: \(1 << 30)) on \(path)",
          "refused format(accepted: [GatewayCore.DataFormat.bytes]) on \(path)",
          "refused unknownUpload on \(path)", "refused unknownUpload on \(path)", "refused noRoute on no route",
          "refused noRoute on no route",
        ].sorted())
    #expect(fixture.observer.ends.isEmpty)
  }

  @Test("hears once of the end of each upload that is not offered")
  func refusedUploads() throws {
    let stranger = try fixture.resume(fixture.resumption(of: .mint()), on: loop)
    loop.run()
    fixture.forwarder.space = 0
    let full = try offered()
    fixture.forwarder.space = .max
    fixture.forwarder.failNext(.open, .storage("broken"))
    let broken = try offered()
    fixture.ledger.failNext(.open)
    let unrecorded = try offered()
    let gone = try fixture.open(fixture.request(total: 100), on: loop)
    gone.upload?.leave()
    loop.run()
    let fronts = [stranger, full, broken, unrecorded, gone]
    #expect(fixture.observer.said == fronts.map { "ended: \($0.last ?? "nothing")" })
    #expect(fronts.allSatisfy { $0.said.count == 1 })
    #expect(fixture.observer.ends.allSatisfy { !$0.wasOffered && $0.received == 0 })
  }

  @Test("hears once of the offer and once of the end of each upload, and how much came over its connection")
  func ends() throws {
    let first = try offered()
    let key = try #require(first.offer?.key)
    first.write(30)
    first.upload?.leave()
    first.upload?.leave()
    loop.run()
    let second = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    second.write(20)
    let third = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    third.write(50)
    third.upload?.finish()
    third.upload?.finish()
    third.upload?.leave()
    loop.run()
    third.upload?.leaveSilently()
    let fourth = try fixture.resume(key, total: 100, on: loop)
    loop.run()
    #expect(fourth.said == ["already complete 100"])
    #expect(
      fixture.observer.said == [
        "offered 0..<100", "ended: suspended 30", "offered 30..<100", "ended: suspended 50", "offered 50..<100",
        "ended: complete 100", "ended: already complete 100",
      ])
    let ends = fixture.observer.ends
    #expect(ends.map(\.received) == [30, 20, 50, 0])
    #expect(ends.map(\.wasOffered) == [true, true, true, false])
    #expect(ends.allSatisfy { $0.facts.key == key && $0.facts.total == 100 })
  }

  @Test("hears of an end that no front hears of")
  func silentEnds() throws {
    let stream = try offered()
    stream.write(30)
    stream.upload?.leaveSilently()
    loop.run()
    let payload = try offered(shape: .payload)
    payload.write(30)
    payload.upload?.leaveSilently()
    loop.run()
    #expect(stream.said == ["offered 0..<100"] && payload.said == ["offered 0..<100"])
    #expect(
      fixture.observer.said == [
        "offered 0..<100", "ended: suspended 30", "offered 0..<100", "ended: suspended 0",
      ])
  }

  @Test("hears once of an upload that fails, in whatever way", arguments: TestForwarder.Step.allCases)
  func failures(step: TestForwarder.Step) throws {
    for failure in [
      SinkFailure.full, .storage("broken"), .backend("gone"), .backendTimeout("silent"),
      .content(ContentFault(offset: 0, reason: "a test")),
    ] {
      let fixture = GatewayFixture()
      fixture.forwarder.failNext(step, failure)
      let front = try fixture.open(fixture.request(total: 100, acknowledgeEvery: 1), on: loop)
      loop.run()
      front.write(30)
      loop.advanceTime(by: .milliseconds(50))
      if step == .suspend {
        front.upload?.leave()
      } else {
        front.write(70)
        front.upload?.finish()
      }
      loop.advanceTime(by: .seconds(10))
      #expect(fixture.observer.ends.count == 1)
      #expect(fixture.observer.said.last == "ended: \(front.last ?? "nothing")")
      #expect(fixture.observer.ends.map(\.wasOffered) == [step != .open])
    }
  }
}

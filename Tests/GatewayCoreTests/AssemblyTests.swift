import Logging
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

@OneThread
@Suite("Uploads that are made of others")
struct AssemblyTests {
  private let fixture: GatewayFixture
  private let loop = EmbeddedEventLoop()

  init() { fixture = GatewayFixture(held: 1000) }

  /// A part of which `safe` bytes are safe.
  private func part(total: Int64?, safe: Int64) -> UploadRecord {
    let key = UploadKey.mint()
    let record = UploadRecord(
      facts: UploadFacts(
        key: key, route: GatewayFixture.path, total: total, createdAt: fixture.clock.now, role: .part),
      committed: safe, granted: total ?? safe, state: .open, epoch: 1,
      expiresAt: fixture.clock.now.advanced(byMilliseconds: 3_600_000), storeState: "state of \(key.logID)")
    fixture.ledger.insert(record)
    fixture.forwarder.stored[record.key] = TestForwarder.Stored(written: safe, safe: safe)
    return record
  }

  private func assemble(_ parts: [UploadRecord]) -> EventLoopFuture<AssemblyOutcome> {
    fixture.gateway.assemble(
      fixture.request(total: nil), of: parts.map(\.key), on: loop,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  private func answer(_ future: EventLoopFuture<AssemblyOutcome>) throws -> AssemblyOutcome {
    loop.run()
    return try future.wait()
  }

  private func expectSound() {
    #expect(fixture.forwarder.violations.isEmpty)
    #expect(fixture.ledger.violations.isEmpty)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.forwarder.live.isEmpty)
  }

  @Test("are copied at once where all parts are full, and count beside them")
  func full() throws {
    let parts = [part(total: 100, safe: 100), part(total: 50, safe: 50)]
    guard case .complete(let key, 250) = try answer(assemble([parts[0], parts[1], parts[0]])) else {
      Issue.record("not complete")
      return
    }
    #expect(fixture.ledger.uploads[key]?.state == .done)
    #expect(fixture.ledger.used(GatewayFixture.path) == 250)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 150)
    #expect(!fixture.gateway.finals.withLock { $0.has(key) || $0.want(parts[0].key) })
    expectSound()
  }

  @Test("wait for parts that are not full, hold their quota, and are made when the last byte is safe")
  func waits() throws {
    let parts = [part(total: 100, safe: 100), part(total: 50, safe: 20)]
    guard case .waits(let key, _) = try answer(assemble(parts)) else {
      Issue.record("does not wait")
      return
    }
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 300)
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(fixture.ledger.calls.contains(.advance), "what a client was told has to survive a power cut")
    let front = try fixture.resume(fixture.resumption(of: parts[1].key), on: loop)
    loop.run()
    front.write(30)
    loop.run()
    front.upload?.finish()
    loop.run()
    #expect(front.last == "suspended 50", "a part is never finished")
    #expect(fixture.ledger.uploads[key]?.state == .done)
    #expect(fixture.ledger.used(GatewayFixture.path) == 150)
    expectSound()
  }

  @Test("fail when a part is given up, and hold nothing any more")
  func loses() throws {
    let parts = [part(total: 100, safe: 100), part(total: 50, safe: 20)]
    guard case .waits(let key, _) = try answer(assemble(parts)) else {
      Issue.record("does not wait")
      return
    }
    let cancelled = fixture.gateway.cancel(parts[1].key, fixture.context(), on: loop)
    loop.run()
    try cancelled.wait()
    #expect(fixture.ledger.uploads[key]?.state == .failed)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 100)
    #expect(fixture.forwarder.discarded.contains(key))
    expectSound()
  }

  @Test("are refused with nothing changed where the quota, or the store, has not room for all")
  func refused() throws {
    let parts = [part(total: 400, safe: 400)]
    #expect(throws: Refusal.quota) { try answer(assemble([parts[0], parts[0]])) }
    fixture.forwarder.space = 399
    #expect(throws: Refusal.noRoom(.tooLittle)) { try answer(assemble(parts)) }
    fixture.forwarder.space = 400
    fixture.forwarder.failNext(.write)
    #expect(throws: UploadFailure.full) { try answer(assemble(parts)) }
    #expect(fixture.ledger.uploads.count == 1)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 400)
    expectSound()
  }

  @Test("are tried again later where the store failed, and only the gateway waits for them")
  func postponed() throws {
    let parts = [part(total: 100, safe: 60)]
    guard case .waits(let key, _) = try answer(assemble(parts)) else {
      Issue.record("does not wait")
      return
    }
    let front = try fixture.resume(fixture.resumption(of: parts[0].key), on: loop)
    loop.run()
    front.write(40)
    loop.run()
    fixture.forwarder.failNext(.write)
    front.upload?.leave()
    loop.run()
    #expect(fixture.ledger.uploads[key]?.state == .open)
    fixture.gateway.retryFinals(on: loop)
    loop.run()
    #expect(fixture.ledger.uploads[key]?.state == .done)
    expectSound()
  }

  @Test("are none of another route's, of another state's, or of no parts")
  func strangers() throws {
    let good = part(total: 10, safe: 10)
    var whole = part(total: 10, safe: 10)
    whole.facts.role = .whole
    fixture.ledger.insert(whole)
    var foreign = part(total: 10, safe: 10)
    foreign.facts.owner = "token:bob"
    fixture.ledger.insert(foreign)
    var unknown = good
    unknown.facts.key = .mint()
    for bad in [whole, foreign, unknown] {
      #expect(throws: Refusal.unknownUpload) { try answer(assemble([good, bad])) }
    }
    #expect(fixture.ledger.uploads.count == 3)
    expectSound()
  }

  @Test("go on after a start, and are nobody's to go on with")
  func restarted() async throws {
    let part = part(total: 100, safe: 100)
    let key = UploadKey.mint()
    fixture.ledger.insert(
      UploadRecord(
        facts: UploadFacts(
          key: key, route: GatewayFixture.path, total: 100, createdAt: fixture.clock.now, role: .final(of: [part.key])),
        committed: 40, granted: 100, state: .open, epoch: 2, expiresAt: fixture.clock.now,
        storeState: "state of \(key.logID)"))
    fixture.forwarder.stored[key] = TestForwarder.Stored(written: 40, safe: 40)
    let gateway = fixture.gateway
    _ = try await turning { try await gateway.recover(on: $0) }
    #expect(try await turning { try await gateway.dropExpired(on: $0) }.isEmpty, "its parts live")
    let front = try fixture.resume(fixture.resumption(of: key), on: loop)
    loop.run()
    #expect(front.last == "refused unknownUpload")
    gateway.retryFinals(on: loop)
    loop.run()
    #expect(fixture.ledger.uploads[key]?.state == .done)
    #expect(fixture.ledger.used(GatewayFixture.path) == 100)
  }

  @Test("are left when the gateway goes away: dropped where a client waits, and kept where none does")
  func stopped() throws {
    let parts = [part(total: 100, safe: 100)]
    fixture.forwarder.isHeld = true
    let future = assemble(parts)
    loop.run()
    fixture.gateway.stopAssembling()
    loop.run()
    while fixture.forwarder.sinks.last?.sayNext() == true { loop.run() }
    #expect(throws: Refusal.shutdown) { try future.wait() }
    #expect(fixture.ledger.uploads.count == 1)
    #expect(throws: Refusal.shutdown) { try answer(assemble(parts)) }
    expectSound()
  }
}

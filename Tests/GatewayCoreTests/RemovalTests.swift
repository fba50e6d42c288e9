import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayCore

@Suite("Removing a complete upload")
struct RemovalTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  private func complete() throws -> UploadKey {
    let front = try fixture.open(fixture.request(total: 400), on: loop)
    loop.run()
    front.write(400)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 400")
    return try #require(front.offer?.key)
  }

  private func remove(_ key: UploadKey) -> Result<Void, any Error>? {
    result(of: fixture.gateway.remove(key, fixture.context(), on: loop))
  }

  private func result<Value>(of future: EventLoopFuture<Value>) -> Result<Value, any Error>? {
    var result: Result<Value, any Error>?
    future.assumeIsolated().whenComplete { result = $0 }
    loop.run()
    return result
  }

  private var used: Int64 { fixture.ledger.used(GatewayFixture.path) }

  /// What a sweep does when everything has expired.
  private func sweep() async throws -> [UploadKey] {
    let gateway = fixture.gateway
    return try await turning { try await gateway.dropExpired(on: $0) }
  }

  @Test("gives its quota back once, removes its bytes, and forgets it")
  func removes() throws {
    let (key, other) = (try complete(), try complete())
    #expect(used == 800)
    try remove(key)?.get()
    #expect(used == 400)
    #expect(fixture.ledger.uploads[key] == nil)
    #expect(fixture.forwarder.discarded == [key])
    #expect(throws: Refusal.unknownUpload) { try remove(key)?.get() }
    #expect(used == 400)
    #expect(fixture.ledger.uploads[other]?.state == .done)
    #expect(fixture.forwarder.stored[other] != nil)
  }

  @Test("is not for one that is unfinished")
  func unfinished() throws {
    let front = try fixture.open(fixture.request(total: 400), on: loop)
    loop.run()
    let key = try #require(front.offer?.key)
    #expect(throws: Refusal.unknownUpload) { try remove(key)?.get() }
    #expect(fixture.ledger.uploads[key]?.state == .open)
    #expect(fixture.forwarder.discarded.isEmpty)
  }

  @Test("changes nothing where the ledger cannot say so first")
  func ledgerFirst() throws {
    let key = try complete()
    fixture.ledger.failNext(.retract)
    #expect(throws: Refusal.storage("disk full")) { try remove(key)?.get() }
    #expect(fixture.ledger.uploads[key]?.state == .done)
    #expect(fixture.forwarder.discarded.isEmpty && used == 400)
    try remove(key)?.get()
    #expect(fixture.ledger.uploads[key] == nil)
  }

  @Test("that was stopped before the disk is ended by the next sweep, and never seen as complete again")
  func stoppedBeforeDisk() async throws {
    let key = try complete()
    fixture.forwarder.refusesRemoval = SinkFailure.storage("away")
    #expect(throws: Refusal.storage("away")) { try remove(key)?.get() }
    #expect(used == 0)
    #expect(try result(of: fixture.gateway.status(of: key, fixture.context(), on: loop))?.get().state == .failed)
    let front = try fixture.resume(key, total: 400, on: loop)
    loop.run()
    #expect(front.last == "refused broken")
    await #expect(throws: SinkFailure.storage("away")) { try await sweep() }
    #expect(fixture.ledger.uploads[key] != nil, "its file would be nobody's")
    fixture.forwarder.refusesRemoval = nil
    #expect(try await sweep() == [key])
    #expect(fixture.forwarder.discarded == [key] && fixture.ledger.uploads[key] == nil && used == 0)
  }

  @Test("that was stopped behind the disk is ended by its client's next try", arguments: [false, true])
  func stoppedBehindDisk(answerIsLost: Bool) throws {
    let key = try complete()
    if answerIsLost { fixture.ledger.loseNextAnswer(.retract) } else { fixture.ledger.failNext(.release) }
    #expect(throws: Refusal.self) { try remove(key)?.get() }
    #expect(used == 0)
    #expect(throws: Refusal.unknownUpload) { try remove(key)?.get() }
    try result(of: fixture.gateway.cancel(key, fixture.context(), on: loop))?.get()
    #expect(fixture.ledger.uploads[key] == nil && used == 0)
    #expect(fixture.forwarder.stored[key] == nil)
  }
}

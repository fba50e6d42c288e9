import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@OneThread
@Suite("What becomes of complete uploads")
struct DepartureTests {
  private func complete(_ count: Int, in fixture: GatewayFixture) -> [UploadKey] {
    (0..<count).map { _ in
      let key = UploadKey.mint()
      let facts = UploadFacts(key: key, route: GatewayFixture.path, total: 10, createdAt: fixture.clock.now)
      let lease = Lease(facts: facts, epoch: 1, committed: 0, granted: 10)
      fixture.ledger.insert(
        UploadRecord(
          facts: facts, committed: 0, granted: 10, state: .open, epoch: 1, expiresAt: fixture.clock.now))
      let completion = Completion(
        key: lease.facts.key, epoch: 1, size: 10, charged: 10, digest: nil, at: fixture.clock.now)
      let loop = EmbeddedEventLoop()
      _ = fixture.ledger.complete(completion, on: loop)
      loop.run()
      fixture.forwarder.stored[key] = .init(written: 10, safe: 10, isPlaced: true)
      fixture.clock.advance(byMilliseconds: 1000)
      return key
    }
  }

  private func removeOld(_ fixture: GatewayFixture) async throws -> [UploadKey] {
    let gateway = fixture.gateway
    return try await turning { try await gateway.removeOld(on: $0) }
  }

  private func look(
    _ fixture: GatewayFixture, _ keys: [UploadKey]
  ) async throws -> (gone: [UploadKey], unfinished: [UploadKey]) {
    let gateway = fixture.gateway
    return try await turning { try await gateway.lookForDeparted(keys, on: $0) }
  }

  private func prune(_ fixture: GatewayFixture) async throws -> Int {
    let gateway = fixture.gateway
    return try await turning { try await gateway.prune(on: $0) }
  }

  private func step(_ round: DepartureRound) async throws -> [UploadKey] {
    try await turning { try await round.step(on: $0) }
  }

  private func used(_ fixture: GatewayFixture) -> Int64 { fixture.ledger.used(GatewayFixture.path) }

  @Test("is that old files go: quota first, then the file, and the record stays for its client")
  func keeps() async throws {
    let fixture = GatewayFixture(keep: .seconds(60))
    let keys = complete(3, in: fixture)
    #expect(try await removeOld(fixture).isEmpty)
    fixture.clock.advance(byMilliseconds: 58_500)
    #expect(try await removeOld(fixture) == Array(keys[..<2]))
    #expect(used(fixture) == 10)
    #expect(fixture.forwarder.stored.keys.map(\.self) == [keys[2]])
    for key in keys[..<2] {
      #expect(fixture.ledger.uploads[key]?.state == .done && fixture.ledger.uploads[key]?.file == .gone)
    }
  }

  @Test("is finished where a removal was stopped between two steps")
  func resumes() async throws {
    let fixture = GatewayFixture(keep: .seconds(60))
    let keys = complete(2, in: fixture)
    fixture.clock.advance(byMilliseconds: 100_000)
    fixture.forwarder.refusesRemoval = SinkFailure.storage("the disk is away")
    await #expect(throws: SinkFailure.self) { try await removeOld(fixture) }
    #expect(used(fixture) == 0)
    #expect(fixture.ledger.uploads.values.allSatisfy { $0.file == .leaving })
    fixture.forwarder.refusesRemoval = nil
    fixture.ledger.failNext(.depart)
    await #expect(throws: LedgerError.self) { try await removeOld(fixture) }
    #expect(try await Set(removeOld(fixture)) == Set(keys))
    #expect(used(fixture) == 0 && fixture.forwarder.stored.isEmpty)
    #expect(try await removeOld(fixture).isEmpty)
  }

  @Test("waits for whoever still needs a file")
  func needed() async throws {
    let fixture = GatewayFixture(keep: .seconds(1), isNeeded: { $0.facts.createdAt.milliseconds == 1_000_000 })
    let keys = complete(2, in: fixture)
    fixture.clock.advance(byMilliseconds: 100_000)
    #expect(try await removeOld(fixture) == [keys[1]])
    #expect(fixture.ledger.uploads[keys[0]]?.file == .there && used(fixture) == 10)
  }

  @Test("is noticed where consumers take files away: by word of it, and in a round through all of them")
  func departs() async throws {
    let fixture = GatewayFixture()
    let keys = complete(7, in: fixture)
    fixture.forwarder.taken = [keys[0], keys[3], keys[6]]
    let found = try await look(fixture, [keys[0], keys[1], .mint()])
    #expect(found.gone == [keys[0]] && found.unfinished.isEmpty)
    #expect(used(fixture) == 60)
    let round = DepartureRound(fixture.gateway, batch: 2)
    #expect(!round.isUnderWay)
    round.begin()
    var gone: [UploadKey] = []
    while round.isUnderWay { gone += try await step(round) }
    #expect(Set(gone) == [keys[3], keys[6]])
    #expect(used(fixture) == 40)
  }

  @Test("is not guessed where a store cannot be looked at, and an upload that ends only now is looked for again")
  func unknown() async throws {
    let fixture = GatewayFixture()
    let keys = complete(1, in: fixture)
    fixture.forwarder.taken = [keys[0]]
    fixture.forwarder.refusesRemoval = SinkFailure.storage("not mounted")
    await #expect(throws: SinkFailure.self) { try await look(fixture, keys) }
    let round = DepartureRound(fixture.gateway)
    round.begin()
    await #expect(throws: SinkFailure.self) { try await step(round) }
    #expect(!round.isUnderWay && used(fixture) == 10)
    let key = UploadKey.mint()
    fixture.ledger.insert(
      UploadRecord(
        facts: UploadFacts(key: key, route: GatewayFixture.path, total: 10, createdAt: fixture.clock.now), committed: 0,
        granted: 10, state: .open, epoch: 1, expiresAt: fixture.clock.now))
    #expect(try await look(fixture, [key]).unfinished == [key])
  }

  @Test("is forgotten after a time, but not while the file is there and counts")
  func prunes() async throws {
    let fixture = GatewayFixture(remember: .seconds(60))
    let keys = complete(3, in: fixture)
    fixture.forwarder.taken = [keys[0], keys[2]]
    _ = try await look(fixture, keys)
    #expect(try await prune(fixture) == 0)
    fixture.clock.advance(byMilliseconds: 58_500)
    #expect(try await prune(fixture) == 1)
    #expect(fixture.ledger.uploads[keys[0]] == nil)
    fixture.clock.advance(byMilliseconds: 100_000)
    #expect(try await prune(fixture) == 1)
    #expect(fixture.ledger.uploads.keys.map(\.self) == [keys[1]] && used(fixture) == 10)
  }
}

import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

@OneThread
@Suite("Recovery and expiry")
struct RecoveryTests {
  private let fixture = GatewayFixture()

  private func record(total: Int64?, committed: Int64, route: String = GatewayFixture.path) -> UploadRecord {
    UploadRecord(
      facts: UploadFacts(key: .mint(), route: route, total: total, createdAt: fixture.clock.now),
      committed: committed, granted: total ?? 1000, state: .open, epoch: 3,
      expiresAt: fixture.clock.now.advanced(byMilliseconds: 1000))
  }

  @Test("records what was complete, keeps what is damaged for the operator to see, and leaves the rest to its clients")
  func recover() async throws {
    let waiting = record(total: 100, committed: 40)
    let complete = record(total: 100, committed: 40)
    let unknownTotal = record(total: nil, committed: 40)
    let lost = record(total: 100, committed: 40)
    let wrongSize = record(total: 100, committed: 40)
    let orphaned = record(total: 100, committed: 40, route: "/gone")
    for record in [waiting, complete, unknownTotal, lost, wrongSize, orphaned] { fixture.ledger.insert(record) }
    fixture.forwarder.found = [
      complete.key: .complete(size: 100), unknownTotal.key: .complete(size: 70), lost.key: .damaged("gone"),
      wrongSize.key: .complete(size: 99),
    ]
    let gateway = fixture.gateway
    let report = try await turning { try await gateway.recover(on: $0) }
    #expect(report.waiting == 1)
    #expect(Set(report.completed) == [complete.key, unknownTotal.key])
    #expect(Set(report.damaged.map(\.key)) == [lost.key, wrongSize.key])
    #expect(report.damaged.allSatisfy { $0.safe == 40 && $0.route == GatewayFixture.path && !$0.reason.isEmpty })
    #expect(report.removed == [GatewayFixture.path: [fixture.forwarder.swept]])
    #expect(fixture.forwarder.others == [orphaned.key])
    #expect(report.orphaned == [orphaned.key])
    #expect(fixture.ledger.used(GatewayFixture.path) == 170)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 300)
    #expect(fixture.forwarder.discarded.isEmpty)
    #expect(fixture.ledger.uploads[lost.key] == lost)
    #expect(fixture.ledger.uploads[waiting.key] == waiting)
    #expect(fixture.ledger.uploads[complete.key]?.state == .done)
    #expect(fixture.ledger.violations.isEmpty)
  }

  @Test("drops what nobody came back for, and nothing sooner")
  func expiry() async throws {
    let expired = record(total: 100, committed: 40)
    let orphaned = record(total: 100, committed: 0, route: "/gone")
    fixture.ledger.insert(expired)
    fixture.ledger.insert(orphaned)
    let gateway = fixture.gateway
    fixture.clock.advance(byMilliseconds: 999)
    #expect(try await turning { try await gateway.dropExpired(on: $0) }.isEmpty)
    fixture.clock.advance(byMilliseconds: 1)
    let dropped = try await turning { try await gateway.dropExpired(on: $0) }
    #expect(Set(dropped) == [expired.key, orphaned.key])
    #expect(fixture.ledger.uploads.isEmpty)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
    #expect(fixture.forwarder.discarded == [expired.key])
  }

  @Test("drops nothing that a connection has, however long ago its window began")
  func connected() async throws {
    let uploads = EmbeddedEventLoop()
    let front = try fixture.open(fixture.request(total: 100), on: uploads)
    uploads.run()
    fixture.clock.advance(byMilliseconds: 4_000_000)
    let gateway = fixture.gateway
    #expect(try await turning { try await gateway.dropExpired(on: $0) }.isEmpty)
    #expect(front.said == ["offered 0..<100"])
  }

  @Test("begins the window of those that a connection has anew, for a gateway that dies while they send nothing")
  func renewed() async throws {
    let uploads = EmbeddedEventLoop()
    let stream = try fixture.open(fixture.request(total: 100), on: uploads)
    let payload = try fixture.open(fixture.request(total: 100, shape: .payload), on: uploads)
    uploads.run()
    stream.write(40)
    payload.write(40)
    fixture.clock.advance(byMilliseconds: 4_000_000)
    let gateway = fixture.gateway
    #expect(try await turning { try await gateway.dropExpired(on: $0) }.isEmpty)
    let now = fixture.clock.now
    let keys = (try #require(stream.offer?.key), try #require(payload.offer?.key))
    #expect(fixture.ledger.uploads[keys.0]?.expiresAt == now.advanced(byMilliseconds: 3_600_000))
    // Nobody could go on with this one.
    #expect(fixture.ledger.uploads[keys.1]?.expiresAt == now.advanced(byMilliseconds: 60_000))
    stream.upload?.finish()
    uploads.run()
    #expect(stream.last == "suspended 40")
    stream.upload = nil
    payload.write(60)
    payload.upload?.finish()
    uploads.run()
    #expect(payload.last == "complete 100")
    #expect(fixture.ledger.violations.isEmpty)
  }

  @Test("keeps a payload that was half recorded no longer than its client could wait")
  func payload() throws {
    let uploads = EmbeddedEventLoop()
    let front = try fixture.open(fixture.request(total: 1 << 20, shape: .payload), on: uploads)
    uploads.run()
    front.write(1 << 19)
    uploads.advanceTime(by: .seconds(2))
    uploads.run()
    let key = try #require(front.offer?.key)
    let record = try #require(fixture.ledger.uploads[key])
    #expect(record.committed == 1 << 19)
    #expect(record.expiresAt == fixture.clock.now.advanced(byMilliseconds: 60_000))
  }

  @Test("drops nothing whose connection lets go while the ledger is read: its window has just begun")
  func letGoMeanwhile() async throws {
    let expired = record(total: 100, committed: 40)
    fixture.ledger.insert(expired)
    fixture.clock.advance(byMilliseconds: 2000)
    let gateway = fixture.gateway
    let ledger = fixture.ledger
    let later = fixture.clock.now.advanced(byMilliseconds: 1000)
    let dropped = try await turning { loop in
      let lock = try await gateway.locks.lock(
        UploadLocks.Request(key: expired.key, connected: ConnectedUploads(), subject: ""), on: loop, letGo: {}
      ).get()
      ledger.afterReadingExpired {
        var record = expired
        record.expiresAt = later
        ledger.insert(record)
        gateway.locks.unlock(lock)
      }
      return try await gateway.dropExpired(on: loop)
    }
    #expect(dropped.isEmpty)
    #expect(fixture.ledger.uploads[expired.key] != nil)
  }
}

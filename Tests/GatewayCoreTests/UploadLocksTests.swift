import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

@Suite("The locks of uploads")
struct UploadLocksTests {
  private let locks = UploadLocks()
  private let connected = ConnectedUploads()
  private let loop = EmbeddedEventLoop()
  private let key = UploadKey.mint()

  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.add(1, ordering: .relaxed) }
  }

  private final class Attempt {
    var result: Result<UploadLocks.Lock, any Error>?
    let letGos = Counter()
    var lock: UploadLocks.Lock? { try? result?.get() }
    var refusal: Refusal? {
      if case .failure(let error) = result { error as? Refusal } else { nil }
    }
  }

  private func attempt(
    _ key: UploadKey, limit: Int = 10, client: String = "a", clientLimit: Int = 10
  ) -> Attempt {
    let attempt = Attempt()
    let letGos = attempt.letGos
    let request = UploadLocks.Request(
      key: key, connected: connected, subject: client, limit: limit, clientLimit: clientLimit)
    locks.lock(request, on: loop, letGo: { letGos.add() })
      .assumeIsolated().whenComplete { attempt.result = $0 }
    return attempt
  }

  @Test("are had at once where nobody has them, and count until they are unlocked")
  func free() throws {
    let first = attempt(key)
    let lock = try #require(first.lock)
    #expect(connected.count == 1)
    #expect(locks.lockedKeys == [key])
    locks.unlock(lock)
    locks.unlock(lock)
    #expect(connected.count == 0)
    #expect(locks.lockedKeys.isEmpty)
  }

  @Test("ask the holder once to let go, and are the newest one's that waits")
  func takeover() throws {
    let first = attempt(key)
    let second = attempt(key)
    #expect(first.letGos.count == 1)
    #expect(second.result == nil)
    let third = attempt(key)
    #expect(first.letGos.count == 1, "it was asked already")
    #expect(second.refusal == .superseded)
    locks.unlock(try #require(first.lock))
    #expect(third.lock != nil)
    #expect(connected.count == 1)
    let fourth = attempt(key)
    #expect(third.letGos.count == 1)
    locks.unlock(try #require(third.lock))
    locks.unlock(try #require(fourth.lock))
    #expect(connected.count == 0)
  }

  @Test("are not unlocked for the next holder by an old one's second word")
  func lateUnlock() throws {
    let first = attempt(key)
    let second = attempt(key)
    let old = try #require(first.lock)
    locks.unlock(old)
    locks.unlock(old)
    #expect(locks.lockedKeys == [key])
    locks.unlock(try #require(second.lock))
    #expect(locks.lockedKeys.isEmpty)
  }

  @Test("are no more of a route than may be connected, but a takeover is one of them")
  func busy() throws {
    let first = attempt(key, limit: 1)
    let other = attempt(UploadKey.mint(), limit: 1)
    #expect(other.refusal == .busy(retryAfter: 5))
    let takeover = attempt(key, limit: 1)
    #expect(takeover.result == nil)
    locks.unlock(try #require(first.lock))
    locks.unlock(try #require(takeover.lock))
    let again = attempt(UploadKey.mint(), limit: 1)
    #expect(again.lock != nil)
  }

  @Test("are no more of a client than it may have, but another's are, and its own takeover")
  func busyClient() throws {
    let first = attempt(key, client: "a", clientLimit: 1)
    #expect(attempt(.mint(), client: "a", clientLimit: 1).refusal == .busy(retryAfter: 5))
    let other = attempt(.mint(), client: "b", clientLimit: 1)
    #expect(other.lock != nil)
    let takeover = attempt(key, client: "a", clientLimit: 1)
    #expect(takeover.result == nil)
    locks.unlock(try #require(first.lock))
    #expect(attempt(.mint(), client: "a", clientLimit: 1).refusal != nil)
    locks.unlock(try #require(takeover.lock))
    let again = attempt(.mint(), client: "a", clientLimit: 1)
    locks.unlock(try #require(again.lock))
    locks.unlock(try #require(other.lock))
    #expect(connected.clientCount == 0)
  }

  @Test("count with each address in turn that an upload passes to, waiting ones too")
  func movingClient() throws {
    let first = attempt(key, client: "a", clientLimit: 1)
    let second = attempt(key, client: "b", clientLimit: 1)
    #expect(attempt(.mint(), client: "b", clientLimit: 1).refusal == .busy(retryAfter: 5), "it waits already")
    let third = attempt(key, client: "c", clientLimit: 1)
    #expect(second.refusal == .superseded)
    let freed = attempt(.mint(), client: "b", clientLimit: 1)
    #expect(freed.lock != nil, "the one that waited is gone")
    locks.unlock(try #require(first.lock))
    #expect(third.lock != nil)
    let away = attempt(.mint(), client: "a", clientLimit: 1)
    #expect(away.lock != nil, "its key is another's now")
    #expect(attempt(.mint(), client: "c", clientLimit: 1).refusal != nil)
    for attempt in [freed, third, away] { locks.unlock(try #require(attempt.lock)) }
    #expect(connected.clientCount == 0)
    #expect(connected.count == 0)
  }

  // MARK: Leases of what is locked

  private func locked(keptFor: Int64) throws -> UploadLocks.Lock {
    let attempt = Attempt()
    let request = UploadLocks.Request(key: .mint(), connected: connected, subject: "a", keptFor: keptFor)
    locks.lock(request, on: loop, letGo: {}).assumeIsolated().whenComplete { attempt.result = $0 }
    return try #require(attempt.lock)
  }

  private func time(_ milliseconds: Int64) -> WallTime { WallTime(milliseconds: milliseconds) }

  @Test("have their leases renewed once an eighth of the time has passed, and not again before the next")
  func renewals() throws {
    let lock = try locked(keptFor: 800)
    #expect(locks.leasesToRenew(at: time(10_000)).isEmpty, "there is no lease yet")
    locks.note(LeaseRenewal(key: lock.key, epoch: 3, expiresAt: time(1800)), of: lock)
    #expect(locks.leasesToRenew(at: time(1099)).isEmpty)
    let due = locks.leasesToRenew(at: time(1100))
    #expect(due == [LeaseRenewal(key: lock.key, epoch: 3, expiresAt: time(1900))])
    #expect(locks.leasesToRenew(at: time(1100)) == due, "the ledger has not answered")
    locks.noteRenewed(due)
    #expect(locks.leasesToRenew(at: time(1199)).isEmpty)
    #expect(locks.leasesToRenew(at: time(1200)).map(\.expiresAt) == [time(2000)])
    locks.unlock(lock)
    #expect(locks.leasesToRenew(at: time(10_000)).isEmpty)
  }

  @Test("have no lease renewed that another connection has by then, or that keeps nothing")
  func renewsOwnAlone() throws {
    let first = attempt(key)
    let old = try #require(first.lock)
    locks.note(LeaseRenewal(key: key, epoch: 1, expiresAt: time(0)), of: old)
    #expect(locks.leasesToRenew(at: time(10_000)).isEmpty, "it is kept for no time")
    let lock = try locked(keptFor: 800)
    locks.note(LeaseRenewal(key: lock.key, epoch: 1, expiresAt: time(800)), of: lock)
    let due = locks.leasesToRenew(at: time(800))
    locks.note(LeaseRenewal(key: lock.key, epoch: 2, expiresAt: time(900)), of: lock)
    locks.noteRenewed(due)
    #expect(locks.leasesToRenew(at: time(1000)).map(\.epoch) == [2])
    locks.unlock(lock)
    locks.note(LeaseRenewal(key: lock.key, epoch: 2, expiresAt: time(0)), of: lock)
    #expect(locks.leasesToRenew(at: time(10_000)).isEmpty)
  }
}

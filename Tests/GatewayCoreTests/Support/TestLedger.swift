import GatewayCore
import NIOCore
import Synchronization

/// Keeps uploads and quotas in memory, by the rules that ``Ledger`` states. What is asked happens at once and in order;
/// the answer comes later, at the test's word where it holds them back.
final class TestLedger: Ledger {
  enum Call: CaseIterable {
    case open, find, claim, advance, settle, release
  }

  private struct State {
    var uploads: [UploadKey: UploadRecord] = [:]
    var used: [String: Int64] = [:]
    var faults: [(call: Call, error: LedgerError)] = []
    var lost: [Call] = []
    var isHeld = false
    var answers: [@Sendable () -> Void] = []
    var calls: [Call] = []
    var settlements: [Settlement] = []
    var violations: [String] = []
    var afterRead: @Sendable () -> Void = {}
  }

  private let state = Mutex(State())

  // MARK: For tests

  var isHeld: Bool {
    get { state.withLock { $0.isHeld } }
    set { state.withLock { $0.isHeld = newValue } }
  }
  var uploads: [UploadKey: UploadRecord] { state.withLock { $0.uploads } }
  var calls: [Call] { state.withLock { $0.calls } }
  var violations: [String] { state.withLock { $0.violations } }
  var settlements: [Settlement] { state.withLock { $0.settlements } }

  func used(_ route: String) -> Int64 { state.withLock { $0.used[route, default: 0] } }

  func reserved(_ route: String) -> Int64 { state.withLock { Self.reserved(route, $0) } }

  /// The next such call changes nothing and fails.
  func failNext(_ call: Call, _ error: LedgerError = .engine("disk full"), times: Int = 1) {
    state.withLock { state in
      for _ in 0..<times { state.faults.append((call, error)) }
    }
  }

  /// The next such call does what it is to do, and says that it failed.
  func loseNextAnswer(_ call: Call) {
    state.withLock { $0.lost.append(call) }
  }

  func forgiveAll() {
    state.withLock { $0.faults = [] }
  }

  /// Gives the oldest answer that is held back; false where there is none.
  func answerNext() -> Bool {
    guard let answer = state.withLock({ $0.answers.isEmpty ? nil : $0.answers.removeFirst() }) else { return false }
    answer()
    return true
  }

  /// What happens between the reading of the unfinished uploads and the answer.
  func afterReadingUnfinished(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.afterRead = body }
  }

  func insert(_ record: UploadRecord) {
    state.withLock { $0.uploads[record.key] = record }
  }

  // MARK: Ledger

  func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    answer(.open, on: eventLoop) { state in
      let open = state.uploads.values.count { $0.state == .open && $0.route == reservation.route }
      guard open < reservation.unfinishedLimit else { throw LedgerError.crowded }
      let available = Self.available(reservation.route, reservation.quotas, state)
      let granted = min(reservation.wanted, available)
      guard granted == reservation.wanted || (granted > 0 && reservation.takesPart) else {
        throw LedgerError.quota(available: available)
      }
      state.uploads[reservation.key] = UploadRecord(
        key: reservation.key, route: reservation.route, owner: reservation.owner, total: reservation.total,
        committed: 0, granted: granted, state: .open, epoch: 1, format: reservation.format, label: reservation.label,
        digest: reservation.digest, createdAt: reservation.at, expiresAt: reservation.expiresAt, finishedAt: nil,
        storeState: reservation.storeState)
      return Lease(
        epoch: 1, committed: 0, granted: granted, digest: reservation.digest, label: reservation.label,
        createdAt: reservation.at, storeState: reservation.storeState)
    }
  }

  func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
    answer(.find, on: eventLoop) { $0.uploads[key] }
  }

  func claim(_ claim: Claim, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    answer(.claim, on: eventLoop) { state in
      guard var record = state.uploads[claim.key], record.state == .open else { throw LedgerError.unknown }
      record.granted += min(
        max(claim.wanted - record.granted, 0), Self.available(record.route, claim.quotas, state))
      record.epoch += 1
      record.digest = record.digest ?? claim.digest
      record.expiresAt = claim.expiresAt
      state.uploads[claim.key] = record
      return Lease(
        epoch: record.epoch, committed: record.committed, granted: record.granted, digest: record.digest,
        label: record.label, createdAt: record.createdAt, storeState: record.storeState)
    }
  }

  func advance(
    _ key: UploadKey, epoch: Int64, from: Int64, to: Int64, expiresAt: WallTime, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(.advance, on: eventLoop) { state in
      let record = try Self.own(key, epoch, state)
      guard record.committed == from, to <= record.granted else { throw LedgerError.fenced }
      state.uploads[key]?.committed = to
      state.uploads[key]?.expiresAt = expiresAt
    }
  }

  func settle(_ settlement: Settlement, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.settle, on: eventLoop) { state in
      state.settlements.append(settlement)
      let size = settlement.size
      var record = try Self.own(settlement.key, settlement.epoch, state)
      if let total = record.total, total != size { state.violations.append("settled with \(size) of \(total)") }
      if size > record.granted { state.violations.append("settled with more than was granted") }
      state.used[record.route, default: 0] += settlement.charged
      record.state = .done
      record.committed = size
      record.granted = 0
      record.digest = settlement.digest
      record.finishedAt = settlement.at
      state.uploads[settlement.key] = record
    }
  }

  func release(_ key: UploadKey, epoch: Int64, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.release, on: eventLoop) { state in
      _ = try Self.own(key, epoch, state)
      state.uploads[key] = nil
    }
  }

  func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(.release, on: eventLoop) { state in
      var record = try Self.own(key, epoch, state)
      record.state = .failed
      record.granted = 0
      record.expiresAt = expiresAt
      state.uploads[key] = record
    }
  }

  func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.release, on: eventLoop) { state in
      guard let record = state.uploads[key], record.state == .done else { throw LedgerError.unknown }
      state.used[record.route, default: 0] -= record.committed
      state.uploads[key] = nil
    }
  }

  func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeSucceededVoidFuture()
  }

  func unfinished(on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    let (open, afterRead) = state.withLock { state in
      (state.uploads.values.filter { $0.state == .open }, state.afterRead)
    }
    afterRead()
    return eventLoop.makeSucceededFuture(open)
  }

  func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
    eventLoop.makeSucceededFuture([])
  }

  // MARK: Inside

  private static func reserved(_ route: String, _ state: State) -> Int64 {
    state.uploads.values.filter { $0.route == route }.reduce(0) { $0 + $1.granted }
  }

  private static func available(_ route: String, _ quotas: [QuotaCap], _ state: State) -> Int64 {
    let taken = state.used[route, default: 0] + reserved(route, state)
    return max(0, (quotas.map(\.cap).min() ?? .max) - taken)
  }

  private static func own(_ key: UploadKey, _ epoch: Int64, _ state: State) throws -> UploadRecord {
    guard let record = state.uploads[key], record.state == .open else { throw LedgerError.unknown }
    guard record.epoch == epoch else { throw LedgerError.fenced }
    return record
  }

  private func answer<Answer: Sendable>(
    _ call: Call, on eventLoop: any EventLoop, _ change: (inout State) throws -> Answer
  ) -> EventLoopFuture<Answer> {
    let promise = eventLoop.makePromise(of: Answer.self)
    let isHeld = state.withLock { state in
      state.calls.append(call)
      let result: Result<Answer, any Error>
      if let index = state.faults.firstIndex(where: { $0.call == call }) {
        result = .failure(state.faults.remove(at: index).error)
      } else {
        result = Result { try change(&state) }
        if let index = state.lost.firstIndex(of: call) {
          state.lost.remove(at: index)
          state.answers.append { promise.fail(LedgerError.engine("nobody knows")) }
          return state.isHeld
        }
      }
      state.answers.append { promise.completeWith(result) }
      return state.isHeld
    }
    if !isHeld { eventLoop.execute { _ = self.answerNext() } }
    return promise.futureResult
  }
}

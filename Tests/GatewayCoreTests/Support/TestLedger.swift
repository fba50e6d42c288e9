import GatewayCore
import NIOCore
import Synchronization

/// The ledger of one gateway, in memory. What is asked happens at once and in order; the answer comes later, at the test's
/// word where it holds them back.
final class TestLedger: Ledger {
  enum Call: CaseIterable {
    case open, find, takeOver, extend, advance, renew, complete, release, retract, depart
  }

  private struct State {
    var books = LedgerBooks()
    var faults: [(call: Call, error: LedgerError)] = []
    var lost: [Call] = []
    var isHeld = false
    var answers: [@Sendable () -> Void] = []
    var calls: [Call] = []
    var advances: [Advance] = []
    var completions: [Completion] = []
    var quotaSubjects: [[String]] = []
    var afterRead: @Sendable () -> Void = {}
  }

  private let state = Mutex(State())

  // MARK: For tests

  var isHeld: Bool {
    get { state.withLock { $0.isHeld } }
    set { state.withLock { $0.isHeld = newValue } }
  }
  var uploads: [UploadKey: UploadRecord] { state.withLock { $0.books.uploads } }
  var calls: [Call] { state.withLock { $0.calls } }
  /// Of each upload that was opened or taken over: what it counts against.
  var quotaSubjects: [[String]] { state.withLock { $0.quotaSubjects } }
  var events: [Event] { state.withLock { $0.books.events } }
  var violations: [String] { state.withLock { $0.books.violations } }
  var advances: [Advance] { state.withLock { $0.advances } }
  var completions: [Completion] { state.withLock { $0.completions } }

  func used(_ route: String) -> Int64 { state.withLock { $0.books.used[route, default: 0] } }

  func reserved(_ route: String) -> Int64 { state.withLock { $0.books.reserved(route) } }

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
    state.withLock { state in
      state.faults = []
      state.lost = []
    }
  }

  /// Gives the oldest answer that is held back; false where there is none.
  func answerNext() -> Bool {
    guard let answer = state.withLock({ $0.answers.isEmpty ? nil : $0.answers.removeFirst() }) else { return false }
    answer()
    return true
  }

  /// What happens between the reading of the expired uploads and the answer.
  func afterReadingExpired(_ body: @escaping @Sendable () -> Void) {
    state.withLock { $0.afterRead = body }
  }

  func insert(_ record: UploadRecord) {
    state.withLock { $0.books.insert(record) }
  }

  // MARK: Ledger

  func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    answer(.open, on: eventLoop) { state in
      state.quotaSubjects.append(reservation.quotas.map(\.subject))
      return try state.books.open(reservation)
    }
  }

  func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
    answer(.find, on: eventLoop) { $0.books.uploads[key] }
  }

  func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    answer(.takeOver, on: eventLoop) { state in
      state.quotaSubjects.append(request.quotas.map(\.subject))
      return try state.books.takeOver(request)
    }
  }

  func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    answer(.extend, on: eventLoop) { state in try state.books.extend(`extension`) }
  }

  func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.advance, on: eventLoop) { state in
      state.advances.append(advance)
      try state.books.advance(advance)
    }
  }

  func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.renew, on: eventLoop) { state in
      for renewal in renewals { _ = state.books.renew(renewal) }
    }
  }

  func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.complete, on: eventLoop) { state in
      state.completions.append(completion)
      try state.books.complete(completion)
    }
  }

  func release(
    _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(.release, on: eventLoop) { state in try state.books.release(key, epoch: epoch, events: events) }
  }

  func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(.release, on: eventLoop) { state in
      try state.books.fail(key, epoch: epoch, expiresAt: expiresAt, events: events)
    }
  }

  func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    answer(.release, on: eventLoop) { state in try state.books.forget(key) }
  }

  func retract(
    _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    answer(.retract, on: eventLoop) { state in try state.books.retract(key, expiresAt: expiresAt, events: events) }
  }

  func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch> {
    eventLoop.makeSucceededFuture(state.withLock { $0.books.due(claim) })
  }

  func delivered(
    _ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    eventLoop.makeSucceededFuture(state.withLock { $0.books.delivered(id, to: target) })
  }

  func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeSucceededVoidFuture()
  }

  func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    eventLoop.makeSucceededFuture(state.withLock { $0.books.complete(wanted) })
  }

  func depart(
    _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadKey]> {
    answer(.depart, on: eventLoop) { $0.books.depart(keys, file) }
  }

  func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int> {
    eventLoop.makeSucceededFuture(state.withLock { $0.books.prune(old) })
  }

  func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeSucceededVoidFuture()
  }

  func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    eventLoop.makeSucceededFuture(state.withLock { $0.books.unfinished })
  }

  func expired(at time: WallTime, of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    let (expired, afterRead) = state.withLock { state in
      (state.books.unfinished.filter { $0.expiresAt <= time }, state.afterRead)
    }
    afterRead()
    return eventLoop.makeSucceededFuture(expired)
  }

  func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
    eventLoop.makeSucceededFuture([])
  }

  // MARK: Inside

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

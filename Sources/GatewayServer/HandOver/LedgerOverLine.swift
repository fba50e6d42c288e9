import GatewayCore
import NIOCore
import Synchronization

/// The ledger of a gateway that was taken over, as its last uploads have it: asked of the process that has it now.
final class LedgerOverLine: Sendable {
  private struct State {
    /// What waits for ``begin()``.
    var held: [HandOverMessage]? = []
    var open: [UInt64: @Sendable (LedgerReply) -> Void] = [:]
    var last: UInt64 = 0
    var isOver = false
  }

  private let line: HandOverLine
  private let state = Mutex(State())

  init(_ line: HandOverLine) {
    self.line = line
  }

  /// The other side has been told what it gets: what was asked meanwhile is said.
  func begin() {
    state.withLock { state in
      for message in state.held ?? [] { line.say(message) }
      state.held = nil
    }
  }

  /// The other side says this.
  func answered(_ id: UInt64, _ reply: LedgerReply) {
    state.withLock { $0.open.removeValue(forKey: id) }?(reply)
  }

  /// The other side is gone: nothing can be recorded any more.
  func end() {
    let open = state.withLock { state in
      state.isOver = true
      defer { state.open = [:] }
      return Array(state.open.values)
    }
    for answer in open { answer(.failed(Self.lost)) }
  }

  private static let lost = LedgerError.engine("the process that has the ledger is gone")

  func ask<Value: Sendable>(
    _ question: LedgerQuestion, on eventLoop: any EventLoop,
    _ meaning: @escaping @Sendable (LedgerReply) -> Value?
  ) -> EventLoopFuture<Value> {
    let promise = eventLoop.makePromise(of: Value.self)
    let isOver = state.withLock { state in
      guard !state.isOver else { return true }
      state.last += 1
      state.open[state.last] = { reply in
        if let value = meaning(reply) { return promise.succeed(value) }
        if case .failed(let error) = reply { return promise.fail(error) }
        promise.fail(LedgerError.engine("the process that has the ledger says something else"))
      }
      let message = HandOverMessage.question(id: state.last, question)
      if state.held == nil { line.say(message) } else { state.held?.append(message) }
      return false
    }
    if isOver { promise.fail(Self.lost) }
    return promise.futureResult
  }
}

extension LedgerOverLine: Ledger {
  func open(_ reservation: Reservation, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    ask(.open(reservation), on: eventLoop) { if case .lease(let lease) = $0 { lease } else { nil } }
  }

  func find(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<UploadRecord?> {
    ask(.find(key), on: eventLoop) { if case .record(let record) = $0 { .some(record) } else { nil } }
  }

  func extend(_ extension: GrantExtension, on eventLoop: any EventLoop) -> EventLoopFuture<Int64> {
    ask(.extend(`extension`), on: eventLoop) { if case .granted(let end) = $0 { end } else { nil } }
  }

  func advance(_ advance: Advance, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    tell(.advance(advance), on: eventLoop)
  }

  func renew(_ renewals: [LeaseRenewal], on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    tell(.renew(renewals), on: eventLoop)
  }

  func complete(_ completion: Completion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    tell(.complete(completion), on: eventLoop)
  }

  func fail(
    _ key: UploadKey, epoch: Int64, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    tell(.fail(key, epoch: epoch, expiresAt: expiresAt, events: events), on: eventLoop)
  }

  func release(
    _ key: UploadKey, epoch: Int64, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    tell(.release(key, epoch: epoch, events: events), on: eventLoop)
  }

  private func tell(_ question: LedgerQuestion, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    ask(question, on: eventLoop) { if case .done = $0 { () } else { nil } }
  }

  // MARK: What begins anew is the other process's

  func takeOver(_ request: LeaseRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Lease> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func complete(_ wanted: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func depart(
    _ keys: [UploadKey], _ file: UploadRecord.FileState, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadKey]> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func prune(_ old: CompleteUploads, on eventLoop: any EventLoop) -> EventLoopFuture<Int> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func forget(_ key: UploadKey, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func retract(
    _ key: UploadKey, expiresAt: WallTime, events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func unfinished(of holder: String, on eventLoop: any EventLoop) -> EventLoopFuture<[UploadRecord]> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func expired(
    at time: WallTime, of holder: String, on eventLoop: any EventLoop
  ) -> EventLoopFuture<[UploadRecord]> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func dropWindows(before start: WallTime, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  // The other process delivers events, those of uploads that end here too.

  func claimEvents(_ claim: EventClaim, on eventLoop: any EventLoop) -> EventLoopFuture<EventBatch> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func delivered(
    _ id: String, to target: String, hastens: Bool, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func undelivered(_ failure: EventFailure, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }

  func quotas(on eventLoop: any EventLoop) -> EventLoopFuture<[QuotaRecord]> {
    eventLoop.makeFailedFuture(LedgerError.handedOver)
  }
}

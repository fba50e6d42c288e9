import GatewayCore
import NIOCore

/// One call that waits for the writer's thread, and the promise of its answer.
enum LedgerCall: Sendable {
  // The large ones are boxed: a batch moves its calls about, and most of them are small.
  indirect case open(Reservation, EventLoopPromise<Lease>)
  indirect case claim(Claim, EventLoopPromise<Lease>)
  case find(UploadKey, EventLoopPromise<UploadRecord?>)
  case advance(UploadKey, epoch: Int64, from: Int64, to: Int64, expiresAt: WallTime, EventLoopPromise<Void>)
  indirect case settle(Settlement, EventLoopPromise<Void>)
  case release(UploadKey, epoch: Int64, EventLoopPromise<Void>)
  case fail(UploadKey, epoch: Int64, expiresAt: WallTime, EventLoopPromise<Void>)
  case forget(UploadKey, EventLoopPromise<Void>)
  case dropWindows(before: WallTime, EventLoopPromise<Void>)
  case unfinished(EventLoopPromise<[UploadRecord]>)
  case quotas(EventLoopPromise<[QuotaRecord]>)

  /// Does it inside the open transaction. The answer is for later: it is true once the transaction is committed.
  func perform(in transaction: inout LedgerTransaction) -> LedgerAnswer {
    do throws(LedgerError) {
      switch self {
      case .open(let reservation, let promise):
        return .holding(promise, try transaction.open(reservation))
      case .claim(let claim, let promise):
        return .holding(promise, try transaction.claim(claim))
      case .find(let key, let promise):
        return .upload(promise, try transaction.find(key))
      case .advance(let key, let epoch, let from, let to, let expiresAt, let promise):
        try transaction.advance(key, epoch: epoch, from: from, to: to, expiresAt: expiresAt)
        return .done(promise)
      case .settle(let settlement, let promise):
        try transaction.settle(settlement)
        return .done(promise)
      case .fail(let key, let epoch, let expiresAt, let promise):
        try transaction.fail(key, epoch: epoch, expiresAt: expiresAt)
        return .done(promise)
      case .forget(let key, let promise):
        try transaction.forget(key)
        return .done(promise)
      case .release(let key, let epoch, let promise):
        try transaction.release(key, epoch: epoch)
        return .done(promise)
      case .dropWindows(let start, let promise):
        try transaction.dropWindows(before: start)
        return .done(promise)
      case .unfinished(let promise):
        return .uploads(promise, try transaction.unfinished())
      case .quotas(let promise):
        return .quotas(promise, try transaction.allQuotas())
      }
    } catch {
      return .failed(self, error)
    }
  }

  /// Whether its answer says something that must survive a power cut; every answer survives the gateway's own end.
  ///
  /// Of an upload that was only offered no byte is safe yet: forgotten with its reservation and its file, it is begun anew.
  /// One that is evidently complete is found so again. What else is told needs a flush, which takes along all that was
  /// committed before. Where a file gets its final name before anything is told, ``LedgerFlush`` comes first.
  var needsFlush: Bool {
    switch self {
    case .open, .find, .dropWindows, .unfinished, .quotas: false
    case .settle(let settlement, _): !settlement.isProvableFromDisk
    case .claim, .advance, .release, .fail, .forget: true
    }
  }

  /// Whether a flush has to follow before long: until then somebody could take the evidence away.
  var owesFlush: Bool {
    if case .settle(let settlement, _) = self { settlement.isProvableFromDisk } else { false }
  }

  /// Whether it may make the ledger grow.
  var grows: Bool {
    switch self {
    case .open, .claim: true
    default: false
    }
  }

  /// Where the answer is awaited.
  var eventLoop: any EventLoop {
    switch self {
    case .open(_, let promise), .claim(_, let promise): promise.futureResult.eventLoop
    case .find(_, let promise): promise.futureResult.eventLoop
    case .advance(_, _, _, _, _, let promise), .settle(_, let promise), .release(_, _, let promise),
      .fail(_, _, _, let promise), .forget(_, let promise), .dropWindows(_, let promise):
      promise.futureResult.eventLoop
    case .unfinished(let promise): promise.futureResult.eventLoop
    case .quotas(let promise): promise.futureResult.eventLoop
    }
  }

  func fail(_ error: LedgerError) {
    switch self {
    case .open(_, let promise), .claim(_, let promise): promise.fail(error)
    case .find(_, let promise): promise.fail(error)
    case .advance(_, _, _, _, _, let promise), .settle(_, let promise), .release(_, _, let promise),
      .fail(_, _, _, let promise), .forget(_, let promise), .dropWindows(_, let promise):
      promise.fail(error)
    case .unfinished(let promise): promise.fail(error)
    case .quotas(let promise): promise.fail(error)
    }
  }
}

/// What a call came to, and who waits for it.
enum LedgerAnswer: Sendable {
  case holding(EventLoopPromise<Lease>, Lease)
  case upload(EventLoopPromise<UploadRecord?>, UploadRecord?)
  case done(EventLoopPromise<Void>)
  case uploads(EventLoopPromise<[UploadRecord]>, [UploadRecord])
  case quotas(EventLoopPromise<[QuotaRecord]>, [QuotaRecord])
  case failed(LedgerCall, LedgerError)

  func deliver() {
    switch self {
    case .holding(let promise, let holding): promise.succeed(holding)
    case .upload(let promise, let upload): promise.succeed(upload)
    case .done(let promise): promise.succeed(())
    case .uploads(let promise, let uploads): promise.succeed(uploads)
    case .quotas(let promise, let quotas): promise.succeed(quotas)
    case .failed(let call, let error): call.fail(error)
    }
  }
}

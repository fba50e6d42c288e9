import GatewayCore
import NIOCore

/// One call that waits for the writer's thread: what to do inside a transaction, and how to answer.
struct LedgerCall: Sendable {
  /// What an answer must have survived before it is given. Every answer survives the gateway's own end.
  enum Durability {
    /// Of an upload that was only offered no byte is safe yet: forgotten with its reservation and its file, it is begun anew.
    /// Where a file gets its final name before anything is told, ``LedgerFlush`` comes first.
    case processEnd
    /// As ``processEnd``, and a flush has to follow before long: until then somebody could take the evidence away.
    case flushSoon
    /// The answer says something that must survive a power cut. The flush takes along all that was committed before.
    case powerCut
  }

  /// Where the answer is awaited.
  let eventLoop: any EventLoop
  let durability: Durability
  /// Whether it may make the ledger grow.
  let grows: Bool
  private let work: @Sendable (inout LedgerTransaction) throws(LedgerError) -> @Sendable () -> Void
  private let refuse: @Sendable (LedgerError) -> Void

  /// - Parameters:
  ///   - promise: of the answer.
  ///   - body: the call itself.
  init<Value: Sendable>(
    _ promise: EventLoopPromise<Value>, _ durability: Durability, grows: Bool = false,
    _ body: @escaping @Sendable (inout LedgerTransaction) throws(LedgerError) -> Value
  ) {
    self.eventLoop = promise.futureResult.eventLoop
    self.durability = durability
    self.grows = grows
    self.work = { (transaction) throws(LedgerError) in
      let value = try body(&transaction)
      return { promise.succeed(value) }
    }
    self.refuse = { promise.fail($0) }
  }

  /// Does it inside the open transaction. The answer is for later: it is true once the transaction is committed.
  func perform(in transaction: inout LedgerTransaction) -> LedgerAnswer {
    do throws(LedgerError) {
      return LedgerAnswer(failure: nil, deliver: try work(&transaction))
    } catch {
      return failed(error)
    }
  }

  /// The answer where it came to nothing.
  func failed(_ error: LedgerError) -> LedgerAnswer {
    LedgerAnswer(failure: error) { [refuse] in refuse(error) }
  }
}

/// What a call came to.
struct LedgerAnswer: Sendable {
  let failure: LedgerError?
  /// Tells the one who waits, on its event loop.
  let deliver: @Sendable () -> Void
}

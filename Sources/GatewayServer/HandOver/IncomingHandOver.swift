import GatewayCore
import Glibc
import Ledgers
import Logging
import NIOCore
import NIOPosix
import OperatingSystem
import Synchronization

/// Takes over from the gateway that runs over the same state folder: its sockets first, then its ledger, and what its last
/// uploads still have to say to that.
final class IncomingHandOver: Sendable {
  private struct State {
    var sockets: [String: [CInt]] = [:]
    var locks: [UploadKey: Gateway.ElsewhereLock] = [:]
    var isGone = false
    var whenGone: [CheckedContinuation<Void, Never>] = []
  }

  private let line: HandOverLine
  private let logger: Logger
  private let state = Mutex(State())

  /// Blocks until the other process has passed on its sockets.
  ///
  /// - Returns: `nil` where no gateway runs there.
  /// - Throws: ``HandOverFailure``.
  init?(state folder: String, logger: Logger) throws(HandOverFailure) {
    guard let socket = HandOverPlace.connect(in: folder) else { return nil }
    line = HandOverLine(socket: socket)
    self.logger = logger
    line.say(.hello(version: HandOverMessage.version))
    guard case .listeners(let listeners)? = line.hear(), var sockets = line.take() else { throw .refused }
    for listener in listeners {
      guard listener.sockets >= 0, listener.sockets <= sockets.count else { throw .refused }
      let own = Array(sockets.prefix(listener.sockets))
      sockets.removeFirst(listener.sockets)
      state.withLock { $0.sockets[listener.place, default: []] += own }
    }
  }

  /// The sockets of a place, which are the caller's from now on; none where the other process did not listen there.
  func sockets(of listener: Listener) -> [CInt] {
    state.withLock { $0.sockets.removeValue(forKey: listener.description) } ?? []
  }

  /// Whether the other process listens there.
  func has(_ listener: Listener) -> Bool { state.withLock { $0.sockets[listener.description] != nil } }

  /// Closes the sockets of places that are configured no more.
  private func closeUnwanted() {
    let unwanted = state.withLock { state in
      defer { state.sockets = [:] }
      return state.sockets.values.flatMap(\.self)
    }
    for socket in unwanted { close(socket) }
  }

  /// Has the other process let go of its ledger and its stores; blocks until it has.
  ///
  /// - Returns: the uploads that are still on their way through it.
  func takeLedger() throws(HandOverFailure) -> [UploadKey] {
    line.say(.prepared)
    guard case .released(let open)? = line.hear() else { throw .refused }
    return open
  }

  /// Keeps all but the other process away from its uploads. Before recovery.
  func lock(_ keys: [UploadKey], of gateway: Gateway, on eventLoop: any EventLoop) async throws {
    let keys = Set(keys)
    for record in try await gateway.openUploads(on: eventLoop) where keys.contains(record.key) {
      try await lock(record.facts, of: gateway, on: eventLoop).get()
    }
  }

  private func lock(_ facts: UploadFacts, of gateway: Gateway, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    gateway.lockElsewhere(facts, on: eventLoop) { [line] in line.say(.letGo(facts.key)) }
      .map { lock in self.state.withLock { $0.locks[facts.key] = lock } }
  }

  private func unlock(_ key: UploadKey, of gateway: Gateway) {
    state.withLock { $0.locks.removeValue(forKey: key) }.map(gateway.unlock)
  }

  /// Tells the other process that clients are accepted here, and answers it from now on, on a thread of its own, until it is gone.
  ///
  /// - Parameters:
  ///   - ledger: what the gateway asks, which may be another process's by then.
  ///   - flush: makes what this process's own ledger answers survive a power cut.
  func listening(
    _ gateway: Gateway, _ ledger: any Ledger, flush: LedgerFlush?, eventLoops: MultiThreadedEventLoopGroup
  ) {
    closeUnwanted()
    line.say(.listening)
    DetachedThread.run { [self] in
      let eventLoop = eventLoops.next()
      while let message = line.hear() {
        switch message {
        case .question(let id, let question): answer(id, question, gateway, ledger, flush, on: eventLoop)
        case .hasLetGo(let key): unlock(key, of: gateway)
        case .hello, .listeners, .prepared, .released, .listening, .answer, .letGo: break
        }
      }
      // Whoever it had them for: what it made safe is recorded, and their clients go on here.
      let (left, waiting) = state.withLock { state in
        defer { (state.locks, state.isGone, state.whenGone) = ([:], true, []) }
        return (Array(state.locks.values), state.whenGone)
      }
      for lock in left { gateway.unlock(lock) }
      for continuation in waiting { continuation.resume() }
      logger.notice("The process before has ended", metadata: ["left": "\(left.count)"])
    }
  }

  /// Returns once the other process has ended: until then it needs the ledger.
  func waitUntilGone() async {
    await withCheckedContinuation { continuation in
      let isGone = state.withLock { state in
        if !state.isGone { state.whenGone.append(continuation) }
        return state.isGone
      }
      if isGone { continuation.resume() }
    }
  }

  private func answer(
    _ id: UInt64, _ question: LedgerQuestion, _ gateway: Gateway, _ ledger: any Ledger, _ flush: LedgerFlush?,
    on eventLoop: any EventLoop
  ) {
    switch question {
    case .open(let reservation):
      // The other process does not know what is owed to the disk here: its files must not come before their records.
      do {
        let lease = try ledger.open(reservation, on: eventLoop).wait()
        try flush?.flushAnswers()
        try lock(lease.facts, of: gateway, on: eventLoop).wait()
        line.say(.answer(id: id, .lease(lease)))
      } catch {
        line.say(.answer(id: id, .failed(error as? LedgerError ?? .engine("\(error)"))))
      }
    case .find(let key): say(id, ledger.find(key, on: eventLoop)) { .record($0) }
    case .extend(let more): say(id, ledger.extend(more, on: eventLoop)) { .granted($0) }
    case .advance(let advance):
      say(id, ledger.advance(advance, on: eventLoop), ending: advance.endsLease ? advance.key : nil, gateway) { .done }
    case .renew(let renewals): say(id, ledger.renew(renewals, on: eventLoop)) { .done }
    case .complete(let completion):
      say(id, ledger.complete(completion, on: eventLoop), ending: completion.key, gateway) { .done }
    case .fail(let key, let epoch, let expiresAt, let events):
      let failed = ledger.fail(key, epoch: epoch, expiresAt: expiresAt, events: events, on: eventLoop)
      say(id, failed, ending: key, gateway) { .done }
    case .release(let key, let epoch, let events):
      say(id, ledger.release(key, epoch: epoch, events: events, on: eventLoop), ending: key, gateway) { .done }
    }
  }

  private func say<Value: Sendable>(
    _ id: UInt64, _ answer: EventLoopFuture<Value>, ending key: UploadKey? = nil, _ gateway: Gateway? = nil,
    _ reply: @escaping @Sendable (Value) -> LedgerReply
  ) {
    answer.whenComplete { [self] result in
      switch result {
      case .success(let value):
        line.say(.answer(id: id, reply(value)))
        if let key, let gateway { unlock(key, of: gateway) }
      case .failure(let error):
        let failure = error as? LedgerError ?? .engine("\(error)")
        line.say(.answer(id: id, .failed(failure)))
        // Somebody else has it by now.
        if failure == .fenced || failure == .unknown, let key, let gateway { unlock(key, of: gateway) }
      }
    }
  }
}

/// Why a gateway is not taken over.
enum HandOverFailure: Error, CustomStringConvertible {
  /// The one that runs does not say what is expected of it.
  case refused

  var description: String {
    "the gateway that runs does not hand over: it is of another release, or is stopping; stop it, and start this one then"
  }
}

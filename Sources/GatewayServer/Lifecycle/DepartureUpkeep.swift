import GatewayCore
import Logging
import NIOCore
import Synchronization

/// Sees to what becomes of complete uploads: hears of files that leave, looks for those that nobody heard of, removes what is
/// old, and has the ledger forget what nobody may ask for any more.
final class DepartureUpkeep: Sendable {
  /// Between two steps of a round: 2,000 files a second are looked at.
  private static let stepEvery = TimeAmount.milliseconds(250)
  /// From one round's beginning to the next.
  private static let roundEvery = TimeAmount.hours(1)
  /// How long a consumer's file may be gone before its upload is complete in the ledger.
  private static let laterLook = TimeAmount.seconds(2)

  private let gateway: Gateway
  private let eventLoop: any EventLoop
  private let round: DepartureRound
  private let logger: Logger
  private let lastRound: Mutex<NIODeadline>
  private let steps = Mutex<RepeatedTask?>(nil)
  private let isStopped = Atomic(false)

  /// Watches from now on, on `eventLoop`, until ``stop()``.
  init(_ gateway: Gateway, on eventLoop: any EventLoop, logger: Logger) {
    self.gateway = gateway
    self.eventLoop = eventLoop
    self.logger = logger
    round = DepartureRound(gateway)
    lastRound = Mutex(.now())
    watch()
    // What left while the gateway was down.
    round.begin()
    let task = eventLoop.scheduleRepeatedAsyncTask(initialDelay: Self.stepEvery, delay: Self.stepEvery) {
      [weak self] _ in
      guard let self else { return eventLoop.makeSucceededVoidFuture() }
      return eventLoop.makeFutureWithTask { await self.step() }
    }
    steps.withLock { $0 = task }
  }

  /// Returns when the step that is under way has ended. Nothing is looked at any more.
  func stop() async {
    isStopped.store(true, ordering: .relaxed)
    let promise = eventLoop.makePromise(of: Void.self)
    guard let task = steps.withLock({ $0.take() }) else { return promise.succeed() }
    task.cancel(promise: promise)
    try? await promise.futureResult.get()
  }

  /// Begins nothing any more; from any thread, at once.
  func end() { isStopped.store(true, ordering: .relaxed) }

  /// Hears of what leaves the stores that there are now. What is watched already stays so.
  func watch() {
    gateway.watchDepartures { [weak self] keys in self?.heard(keys, isSecondLook: false) }
  }

  private func heard(_ keys: [UploadKey]?, isSecondLook: Bool) {
    guard !isStopped.load(ordering: .relaxed) else { return }
    guard let keys else { return round.begin() }
    let look = eventLoop.makeFutureWithTask { [self] () async -> [UploadKey] in
      do {
        let found = try await gateway.lookForDeparted(keys, on: eventLoop)
        log(found.gone)
        return found.unfinished
      } catch {
        failed(error)
        round.begin()
        return []
      }
    }
    guard !isSecondLook else { return }
    look.whenSuccess { [self] unfinished in
      guard !unfinished.isEmpty else { return }
      eventLoop.scheduleTask(in: Self.laterLook) { [weak self] in self?.heard(unfinished, isSecondLook: true) }
    }
  }

  private func step() async {
    guard !isStopped.load(ordering: .relaxed) else { return }
    let isDue = lastRound.withLock { last in
      guard NIODeadline.now() - last >= Self.roundEvery else { return false }
      last = .now()
      return true
    }
    if isDue { round.begin() }
    do {
      log(try await round.step(on: eventLoop))
    } catch {
      failed(error)
    }
  }

  /// Removes what is old, and forgets what nobody may ask for any more.
  func sweep() async {
    guard !isStopped.load(ordering: .relaxed) else { return }
    do {
      for key in try await gateway.removeOld(on: eventLoop) {
        logger.info("File of an upload was old and is removed", metadata: ["upload": "\(key.logID)"])
      }
    } catch {
      failed(error, "Old files could not be removed")
    }
    do {
      let count = try await gateway.prune(on: eventLoop)
      if count > 0 { logger.info("Uploads are forgotten", metadata: ["uploads": "\(count)"]) }
    } catch {
      failed(error, "Old uploads could not be forgotten")
    }
  }

  private func log(_ gone: [UploadKey]) {
    for key in gone { logger.debug("File of an upload was taken away", metadata: ["upload": "\(key.logID)"]) }
  }

  /// A gateway that is stopping, or was taken over, has no ledger any more, and nothing of that is a fault.
  private func failed(_ error: any Error, _ message: Logger.Message) {
    guard !isStopped.load(ordering: .relaxed) else { return }
    logger.error(message, metadata: ["reason": "\(FailureDescription.of(error))"])
  }

  /// A store that is not there is said elsewhere.
  private func failed(_ error: any Error) {
    logger.debug("Files could not be looked for", metadata: ["reason": "\(FailureDescription.of(error))"])
  }
}

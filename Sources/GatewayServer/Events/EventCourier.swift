import GatewayCore
import Logging
import NIOCore
import Synchronization

/// Delivers one target's events: carries out what ``DeliveryMachine`` decides, between the ledger and the recipient.
actor EventCourier {
  /// What it is about.
  private let target: String
  /// Whom the ledger knows it by: another one after each start.
  private let holder = UploadKey.mint().text
  private var heldFor: Int64
  private let ledger: any Ledger
  private let eventLoop: any EventLoop
  private let logger: Logger
  private var machine: DeliveryMachine
  private var recipient: any OutsideRecipient
  private var timer: Scheduled<Void>?
  private var hasStarted = false
  private var isStopping = false
  private var whenIdle: [CheckedContinuation<Void, Never>] = []
  /// Whether somebody has said that there is something new, and it was not looked for yet.
  private let isWoken = Atomic(false)

  /// How long new events wait for others: they share a flush of the ledger, which mostly has been made by then.
  private static let gathering = TimeAmount.milliseconds(100)

  init(
    _ target: Configuration.EventTarget, to recipient: any OutsideRecipient, ledger: any Ledger,
    on eventLoop: any EventLoop, logger: Logger
  ) {
    self.target = target.name
    self.recipient = recipient
    self.ledger = ledger
    self.eventLoop = eventLoop
    self.logger = logger
    machine = DeliveryMachine(target.terms)
    heldFor = Self.heldFor(target)
  }

  /// There will be something new: what is being recorded just now. From any thread.
  nonisolated func wake() {
    guard !isWoken.exchange(true, ordering: .relaxed) else { return }
    eventLoop.scheduleTask(in: Self.gathering) { self.lookSoon() }
  }

  private nonisolated func lookSoon() {
    isWoken.store(false, ordering: .relaxed)
    Task { await look() }
  }

  func start() {
    hasStarted = true
    advance()
  }

  /// Goes on with another recipient, or under other terms. What is on its way is answered by the one before.
  func take(_ target: Configuration.EventTarget, to new: any OutsideRecipient) {
    recipient.retire()
    recipient = new
    machine.terms = target.terms
    heldFor = Self.heldFor(target)
    look()
  }

  /// Sends nothing more, and returns when nothing is on its way.
  func finish() async {
    isStopping = true
    timer?.cancel()
    if !machine.isIdle { await withCheckedContinuation { whenIdle.append($0) } }
    recipient.retire()
  }

  /// Ends what is on its way: it is sent again after the next start.
  func stop() { recipient.stop() }

  /// The ledger has time to hear what came of it.
  private static func heldFor(_ target: Configuration.EventTarget) -> Int64 {
    target.timeLimit.wholeMilliseconds + 60_000
  }

  private func look() {
    machine.look()
    advance()
  }

  private func advance() {
    timer?.cancel()
    timer = nil
    if machine.isIdle, isStopping {
      for continuation in whenIdle { continuation.resume() }
      whenIdle = []
    }
    guard hasStarted, !isStopping else { return }
    switch machine.next(at: .now()) {
    case .rest: return
    case .wait(let milliseconds):
      timer = eventLoop.scheduleTask(in: .milliseconds(max(1, milliseconds))) { _ = Task { await self.look() } }
    case .claim(let limit, let besides): Task { await claim(limit, besides: besides) }
    }
  }

  private func claim(_ limit: Int, besides: Set<String>) async {
    let claim = EventClaim(
      target: target, limit: limit, besides: besides, holder: holder, heldFor: heldFor, now: .now())
    do {
      let batch = try await ledger.claimEvents(claim, on: eventLoop).get()
      for event in machine.claimed(batch, asked: limit) { Task { await deliver(event) } }
    } catch LedgerError.handedOver {
      // Another process delivers from here on.
      isStopping = true
      machine.claimFailed(at: .now())
    } catch {
      logger.error(
        "Ledger failed to say which events are due",
        metadata: ["target": "\(target)", "reason": "\(FailureDescription.of(error))"])
      machine.claimFailed(at: .now())
    }
    advance()
  }

  private func deliver(_ event: Event) async {
    let message = OutsideMessage(id: event.id, type: CloudEvent.type(event.kind), body: event.body)
    let answer = await recipient.send(message)
    // An event that the stop has cut short was not refused by anybody.
    if case .refused = answer, isStopping {
      machine.settled(event.id)
      return advance()
    }
    let wasDown = machine.isDown
    let verdict = machine.ended(event, answer.outcome, at: .now(), chance: .random(in: 0...1))
    log(verdict, of: event, wasDown: wasDown)
    do {
      switch verdict {
      case .delivered(let hastens):
        try await ledger.delivered(event.id, to: target, hastens: hastens, on: eventLoop).get()
      case .failed(let failure): try await ledger.undelivered(failure, on: eventLoop).get()
      }
    } catch LedgerError.handedOver {
      isStopping = true
    } catch {
      logger.error(
        "Ledger failed to record what became of an event; it is sent again",
        metadata: ["target": "\(target)", "event": "\(event.id)", "reason": "\(FailureDescription.of(error))"])
      try? await Task.sleep(for: .seconds(1))
    }
    machine.settled(event.id)
    advance()
  }

  private func log(_ verdict: DeliveryMachine.Verdict, of event: Event, wasDown: Bool) {
    var metadata: Logger.Metadata = ["target": "\(target)", "event": "\(event.id)"]
    switch verdict {
    case .delivered:
      if wasDown { logger.notice("Target takes events again", metadata: ["target": "\(target)"]) }
      logger.debug("Event delivered", metadata: metadata)
    case .failed(let failure):
      metadata["reason"] = "\(failure.reason)"
      metadata["tries"] = "\(failure.tries)"
      if case .dead = failure.consequence {
        logger.error("Event is a dead letter", metadata: metadata)
      } else if machine.isDown, !wasDown {
        logger.warning("Target takes no events: it is tried now and then", metadata: metadata)
      } else {
        logger.debug("Event not taken; it is sent again", metadata: metadata)
      }
    }
  }
}

extension OutsideAnswer {
  fileprivate var outcome: DeliveryMachine.Outcome {
    switch self {
    case .taken: .taken
    case .refused(let reason, let retryAfter): .refused(reason: reason, retryAfter: retryAfter)
    }
  }
}

import Logging
import Metrics
package import NIOCore

/// What one connection is to do with one upload.
struct UploadTask {
  /// What is known of the upload; of an earlier one, only what its client said until the record is found.
  var facts: UploadFacts
  let admission: Admission
  /// Whether this connection begins it.
  let isNew: Bool
  /// Whether a later connection may go on with it.
  let isResumable: Bool
  /// What it is made of, where its bytes come from other uploads and no client brings them.
  var parts: PartList?
}

/// One upload on one connection: carries out what ``UploadMachine`` decides, between the front on one side and lock,
/// ledger and sink on the other. Lives on the connection's event loop.
///
/// Its parts: this file has what the front says, `UploadOpening` the way to the offer, `UploadSafety` what makes bytes safe,
/// `UploadEnding` how it ends.
package final class Upload {
  let gateway: Gateway
  var admission: Admission
  let isNew: Bool
  /// Where its bytes come from, if not from a client.
  let parts: PartList?
  /// How long it is kept when no connection has it, in milliseconds.
  let keptFor: Int64
  let eventLoop: any EventLoop
  let logger: Logger
  private let about: () -> Logger.Metadata
  var onEvent: ((UploadEvent) -> Void)?

  var facts: UploadFacts
  var machine: UploadMachine
  var lock: UploadLocks.Lock?
  var lease: Lease?
  var sink: (any Sink)?
  /// What the sink wants recorded with the next offset.
  var sinkState: String?
  var result = SinkResult()
  var isOffered = false
  var isSuperseded = false
  /// Why it was left before all of it had arrived, by the first word of that.
  var stopReason: StopReason?
  /// What watchers see of it, while it is offered to a client.
  var live: LiveUpload?
  /// What arrives, on this event loop.
  private let received: ShardedCounter.Cell
  /// When its connection asked for it.
  let began: NIODeadline
  /// Whether it is being left because its client has lost its right.
  var isUnauthorized = false
  var right: ClientRight
  var quietCheck: Scheduled<Void>?
  var quietPace = QuietPace()
  var bandwidthPause: Scheduled<Void>?
  /// Of a stream of unknown length alone.
  var growth: GrantGrowth?
  /// What has arrived and is not granted yet, in its order.
  var beyondGrant: [ByteBuffer] = []
  /// All bytes have arrived, and some of them are not granted yet.
  var finishesOnceGrown = false
  /// The upload has ended, and waits for the answer to its last question for more: nobody else may reserve for it before.
  var lastWord: UploadEvent?

  /// The upload's key.
  package var key: UploadKey { facts.key }

  /// Does nothing yet; ``begin(with:)`` does.
  init(
    _ task: UploadTask, gateway: Gateway, on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata, onEvent: @escaping (UploadEvent) -> Void
  ) {
    let admission = task.admission
    self.gateway = gateway
    self.admission = admission
    self.facts = task.facts
    self.isNew = task.isNew
    self.parts = task.parts
    // Nobody can go on with a payload: should the gateway die under it, its reservation need not wait long.
    self.keptFor =
      task.isResumable || task.parts != nil
      ? admission.route.resumeFor.milliseconds : GatewaySettings.payloadExpiry
    self.eventLoop = eventLoop
    self.began = eventLoop.now
    self.received = admission.runtime.meters.received.cell(of: gateway.eventLoops[eventLoop])
    self.onEvent = onEvent
    self.logger = logger
    self.about = about
    self.right = admission.right
    let traits = admission.runtime.traits
    self.machine = UploadMachine(
      isResumable: task.isResumable, isNew: task.isNew, window: gateway.settings.window,
      checkpointEvery: admission.transfer.checkpointEvery ?? GatewaySettings.checkpointEvery(traits),
      granularity: traits.granularity, isTentative: admission.transfer.isTentative)
  }

  // MARK: What the front says

  /// Takes the next bytes. The front sees to it that they are within what was offered.
  package func write(_ bytes: ByteBuffer) {
    guard keepsRight(), keepsLease() else { return }
    let count = bytes.readableBytes
    let decision = machine.bytes(count, isMemoryShort: gateway.memory.isShort(holding: machine.inFlight + count))
    guard decision != .discard else { return }
    gateway.memory.take(count)
    received.add(count)
    live?.note(received: machine.receivedHere)
    if growth == nil { sink?.write(bytes) } else { writeWithinGrant(bytes) }
    if decision == .writeThenPause { onEvent?(.paused) }
    payBandwidth(count)
    considerCheckpoint(isQuiet: false)
  }

  private func payBandwidth(_ count: Int) {
    let bandwidth = admission.runtime.bandwidth
    guard bandwidth.isBounded else { return }
    let wait = bandwidth.take(count, for: admission.identity.subject, now: eventLoop.now)
    // Where bytes come although it waits, those of one read, the wait that is longer counts.
    guard wait > .zero else { return }
    if machine.bandwidthUsedUp() == .pause { onEvent?(.paused) }
    bandwidthPause?.cancel()
    // Shorter ones cost more than they are worth, and what comes later than it might is saved up.
    bandwidthPause = eventLoop.assumeIsolated().scheduleTask(in: max(wait, Self.shortestPause)) {
      self.bandwidthPause = nil
      if self.machine.bandwidthRestored() == .resume { self.onEvent?(.resumed) }
    }
  }

  private static let shortestPause = TimeAmount.milliseconds(5)

  /// All bytes were written: ``UploadEvent/complete`` or ``UploadEvent/failed`` follows. Where they are fewer than the
  /// total, this is ``leave(for:)``.
  package func finish() {
    guard keepsRight(), keepsLease() else { return }
    finishesOnceGrown = !beyondGrant.isEmpty
    guard !finishesOnceGrown else { return }
    switch machine.finish() {
    case .finishSink: sink?.finish()
    case .leave(let decision):
      stopReason = stopReason ?? .grantFull
      carryOut(decision)
    case .nothing: return
    }
  }

  /// All bytes of a tentative connection were judged to be right: from now on they count.
  package func approve() { machine.approve() }

  /// The client is gone, or all that was offered has arrived: what arrived is made safe, and another connection may go
  /// on with it. ``UploadEvent/suspended(at:)`` follows, unless everything had arrived; then it is finished all the same.
  /// Before the offer ``UploadEvent/refused`` follows.
  package func leave(for reason: StopReason = .clientGone) {
    stopReason = stopReason ?? reason
    carryOut(machine.leave())
  }

  /// As ``leave(for:)``, for a front that is gone itself: no event reaches it any more.
  package func leaveSilently(for reason: StopReason = .clientGone) {
    onEvent = nil
    leave(for: reason)
  }

  /// Whether the client may still upload. If not, what arrived is made safe, and the upload is left.
  func keepsRight() -> Bool {
    guard !right.stands(in: gateway.access, now: gateway.settings.now) else { return true }
    let decision = machine.leave()
    // What is whole, or ends already, ends as it would have.
    guard decision != .nothing else { return true }
    isUnauthorized = true
    stopReason = stopReason ?? .unauthorized
    logger.notice("Client has lost its right", metadata: details(["client": "\(admission.identity.name)"]))
    if isOffered { onEvent?(.unauthorized) }
    carryOut(decision)
    return false
  }

  /// Whether what arrives is still this gateway's to keep. If not, what arrived before is made safe, and the upload is left.
  private func keepsLease() -> Bool {
    guard !gateway.holdsItsOwn(at: eventLoop.now) else { return true }
    return !losesLease()
  }

  /// The gateway's lease has run out: another may take the upload at any moment. What ends already is the ledger's to judge.
  ///
  /// - Returns: whether it was under way.
  func losesLease() -> Bool {
    guard machine.position != nil else { return false }
    carryOut(machine.sinkFailed(.storage("the gateway's lease has run out, as the ledger could not be reached")))
    return true
  }

  // MARK: What it says of itself

  /// A record's metadata: its own, the upload's, and the connection's.
  func details(_ own: Logger.Metadata = [:]) -> Logger.Metadata {
    own.merging(["upload": "\(key.logID)", "route": "\(admission.route.path)"]) { own, _ in own }
      .merging(about()) { own, _ in own }
  }
}

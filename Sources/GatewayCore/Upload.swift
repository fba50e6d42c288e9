import Logging
public import NIOCore

/// One upload on one connection: carries out what ``UploadMachine`` decides, between the front on one side and registry,
/// ledger and sink on the other. Lives on the connection's event loop.
public final class Upload {
  /// The upload's key.
  public let key: UploadKey
  let gateway: Gateway
  private(set) var admission: Admission
  let isNew: Bool
  let acknowledges: Bool
  /// How long it is kept when nobody is attached to it, in milliseconds.
  let keptFor: Int64
  let connection: ClientConnection
  let eventLoop: any EventLoop
  let logger: Logger
  private let about: () -> Logger.Metadata
  var onEvent: ((UploadEvent) -> Void)?

  var machine: UploadMachine
  var attachment: AttachmentRegistry.Attachment?
  var holding: Holding?
  var sink: (any Sink)?
  var digest: ContentDigest?
  var result = SinkResult()
  var isOffered = false
  var isSuperseded = false
  var quietCheck: Scheduled<Void>?
  let bandwidthBounds: [(name: BandwidthShares.Name, rate: Int64)]
  var bandwidthPause: Scheduled<Void>?

  /// Does nothing yet; ``begin(with:)`` does.
  init(
    key: UploadKey?, request: UploadRequest, admission: Admission, gateway: Gateway, on eventLoop: any EventLoop,
    logger: Logger, about: @escaping () -> Logger.Metadata, onEvent: @escaping (UploadEvent) -> Void
  ) {
    self.key = key ?? UploadKey.mint(at: gateway.settings.now())
    self.isNew = key == nil
    self.gateway = gateway
    self.admission = admission
    self.bandwidthBounds = admission.bandwidthBounds
    self.acknowledges = request.acknowledgeEvery != nil
    // Nobody can go on with a payload: should the gateway die under it, its reservation need not wait long.
    self.keptFor =
      request.shape == .stream ? admission.route.resumeFor.milliseconds : GatewaySettings.payloadExpiry
    self.connection = request.connection
    self.digest = request.digest
    self.eventLoop = eventLoop
    self.onEvent = onEvent
    self.logger = logger
    self.about = about
    self.machine = UploadMachine(
      isResumable: request.shape == .stream, isNew: key == nil, total: request.total,
      window: gateway.settings.window,
      checkpointEvery: gateway.settings.checkpointEvery(
        acknowledgeEvery: request.acknowledgeEvery,
        outlivesGateway: gateway.forwarder(of: admission.route).outlivesGateway))
  }

  // MARK: What the front says

  /// Takes the next bytes. The front sees to it that they are within what was offered.
  public func write(_ bytes: ByteBuffer) {
    let count = bytes.readableBytes
    let decision = machine.bytes(count, isMemoryShort: gateway.memory.isExceeded)
    guard decision != .discard else { return }
    gateway.memory.take(count)
    sink?.write(bytes)
    if decision == .writeThenPause { onEvent?(.paused) }
    payBandwidth(count)
    considerCheckpoint(isQuiet: false)
  }

  func payBandwidth(_ count: Int) {
    guard !bandwidthBounds.isEmpty else { return }
    let wait = gateway.bandwidth.take(count, bandwidthBounds, now: eventLoop.now)
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
  /// total, this is ``leave()``.
  public func finish() {
    switch machine.finish() {
    case .finishSink: sink?.finish()
    case .leave(let decision): carryOut(decision)
    case .nothing: return
    }
  }

  /// The client is gone, or all that was offered has arrived: what arrived is made safe, and another connection may go
  /// on with it. ``UploadEvent/settled(at:)`` follows, unless everything had arrived; then it is finished all the same.
  /// Before the offer ``UploadEvent/refused`` follows.
  public func leave() {
    carryOut(machine.leave())
  }

  /// As ``leave()``, for a front that is gone itself: no event reaches it any more.
  public func leaveSilently() {
    onEvent = nil
    leave()
  }

  // MARK: Opening

  /// An earlier upload is what its client said at its beginning, whatever it says now: what inspects the bytes, and what is
  /// kept beside them, must not change in the middle.
  func goesOn(as format: DataFormat) {
    admission.format = format
  }

  /// Attaches, asks the ledger with `hold`, and opens the sink.
  func begin(with hold: @escaping () -> EventLoopFuture<Holding>) {
    // What is small enough has arrived before it could be paused: so many small uploads wait for each other here.
    let wait = gateway.bandwidth.take(0, bandwidthBounds, now: eventLoop.now)
    // The caller does not have this upload in hand yet, so no event may come from within.
    if wait > .zero {
      eventLoop.assumeIsolated().scheduleTask(in: wait) { self.attach(with: hold) }
    } else {
      eventLoop.assumeIsolated().execute { self.attach(with: hold) }
    }
  }

  func attach(with hold: @escaping () -> EventLoopFuture<Holding>) {
    guard machine.isAwaited else { return refuse(Refusal.shutdown) }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let eventLoop = eventLoop
    gateway.attachments.attach(
      AttachmentRegistry.Wish(
        key: key, route: admission.route.path, subject: admission.identity.subject,
        limit: admission.route.limits.concurrent, clientLimit: admission.route.clientLimits.concurrent ?? .max,
        keptFor: keptFor),
      on: eventLoop, yield: { eventLoop.execute { bound.value.yield() } }
    ).assumeIsolated().whenComplete { result in
      switch result {
      case .failure(let error): self.refuse(error)
      case .success(let attachment):
        self.attachment = attachment
        guard self.machine.isAwaited else { return self.refuse(Refusal.shutdown) }
        hold().assumeIsolated().whenComplete { result in
          switch result {
          case .failure(let error): self.refuse(error)
          case .success(let holding): self.held(holding)
          }
        }
      }
    }
  }

  func held(_ holding: Holding) {
    self.holding = holding
    switch machine.held(at: holding.committed) {
    case .letGo: end(.settled(at: holding.committed))
    case .drop: drop(thenTell: .settled(at: 0))
    case .openSink(let offset):
      if let announced = digest, let recorded = holding.digest, announced != recorded {
        return refuse(Refusal.otherDigest)
      }
      if admission.total == nil, holding.committed >= admission.limit {
        return refuse(Refusal.tooLarge(limit: admission.limit))
      }
      if holding.granted == holding.committed, admission.total != holding.committed {
        return refuse(LedgerError.quota(available: 0, windows: holding.shortWindows))
      }
      digest = holding.digest
      let upload = SinkUpload(
        key: key, total: admission.total, digest: holding.digest, route: admission.route.path,
        format: admission.format, label: holding.label, client: admission.identity, createdAt: holding.createdAt,
        connection: connection, state: holding.storeState, isResumed: !isNew)
      sink = gateway.forwarder(of: admission.route).makeSink(for: upload, from: offset, on: eventLoop) { event in
        self.sinkSaid(event)
      }
    }
  }

  /// Nothing is held: the request is refused, or what it asks for is complete.
  func refuse(_ error: any Error) {
    if let complete = error as? AlreadyComplete { return wasComplete(complete.account) }
    machine.refused()
    end(.refused(gateway.refusal(for: error)))
  }

  /// There is nothing left to upload.
  func wasComplete(_ account: UploadAccount) {
    machine.refused()
    end(.alreadyComplete(account))
  }

  /// A newer connection wants the upload.
  func yield() {
    let decision = machine.leave()
    guard decision != .nothing else { return }
    isSuperseded = true
    if isOffered { onEvent?(.superseded) }
    carryOut(decision)
  }

  // MARK: The sink

  func sinkSaid(_ event: SinkEvent) {
    // Nothing of a sink that was let go may count twice.
    guard sink != nil else { return }
    switch event {
    case .opened:
      switch machine.sinkOpened() {
      case .suspendSink: sink?.suspend()
      case .drop: drop(thenTell: .settled(at: 0))
      case .offer: offer()
      }
    case .found(let size, let result):
      self.result = result
      machine.sinkFound(size: size)
      settle(size: size, attempt: 1)
    case .took(let offset): took(upTo: offset)
    case .safe(let offset):
      switch machine.sinkSafe(upTo: offset) {
      case .nothing: considerCheckpoint(isQuiet: false)
      case .record(let advance): record(advance)
      }
    case .finished(let result):
      self.result = result
      accountForMemory { settle(size: machine.sinkFinished(), attempt: 1) }
    case .suspended(let offset):
      accountForMemory {
        switch machine.sinkSuspended(at: offset) {
        case .nothing: break
        case .record(let advance): record(advance)
        case .end(let ending): end(ending)
        }
      }
    case .failed(let failure): carryOut(machine.sinkFailed(failure))
    }
  }

  func offer() {
    guard let holding else { return }
    isOffered = true
    logger.info(
      "Upload offered", metadata: details(["offset": "\(holding.committed)", "granted": "\(holding.granted)"]))
    onEvent?(
      .offered(
        UploadOffer(
          key: key, offset: holding.committed, granted: holding.granted, total: admission.total,
          buffer: admission.buffer, format: admission.format)))
  }

  /// A record's metadata: its own, the upload's, and the connection's.
  func details(_ own: Logger.Metadata = [:]) -> Logger.Metadata {
    own.merging(["upload": "\(key.logID)", "route": "\(admission.route.path)"]) { own, _ in own }
      .merging(about()) { own, _ in own }
  }

  func took(upTo offset: Int64) {
    var decision = UploadMachine.OnTook.nothing
    accountForMemory { decision = machine.took(upTo: offset, isMemoryShort: gateway.memory.isExceeded) }
    considerCheckpoint(isQuiet: false)
    if decision == .resume { onEvent?(.resumed) }
  }

  /// Gives back to the process's budget what `change` took out of flight.
  func accountForMemory(_ change: () -> Void) {
    let before = machine.inFlight
    change()
    gateway.memory.giveBack(before - machine.inFlight)
  }

  func considerCheckpoint(isQuiet: Bool) {
    switch machine.checkpointChance(isQuiet: isQuiet) {
    case .nothing: return
    case .checkpoint: sink?.checkpoint()
    case .askLater:
      guard quietCheck == nil else { return }
      let delay = gateway.settings.quietBeforeCheckpoint(acknowledges: acknowledges)
      quietCheck = eventLoop.assumeIsolated().scheduleTask(in: delay) {
        self.quietCheck = nil
        self.considerCheckpoint(isQuiet: true)
      }
    }
  }
}

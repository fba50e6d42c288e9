public import Logging
public import NIOCore

/// What every front calls: begins uploads and goes on with them, tells how they stand, drops them.
public final class Gateway: Sendable {
  /// What is the same for all routes.
  public let settings: GatewaySettings
  /// The bytes of all uploads that are in memory.
  public let memory: MemoryBudget
  let ledger: any Ledger
  let attachments = AttachmentRegistry()
  let bandwidth = BandwidthShares()
  /// In milliseconds.
  let longestWindow: Int64
  let gatekeeper: Gatekeeper
  let forwarders: [String: any Forwarder]

  /// - Parameters:
  ///   - destinations: each route with where its bytes go; each path once.
  ///   - memory: shared with forwarders that hold bytes for longer than their sinks; made of `settings` where it is `nil`.
  public init(
    destinations: [(route: Route, forwarder: any Forwarder)], ledger: any Ledger, settings: GatewaySettings,
    memory: MemoryBudget? = nil
  ) {
    self.gatekeeper = Gatekeeper(routes: destinations.map(\.route))
    self.forwarders = Dictionary(
      destinations.map { ($0.route.path, $0.forwarder) }, uniquingKeysWith: { first, _ in first })
    self.ledger = ledger
    self.settings = settings
    self.memory = memory ?? MemoryBudget(limit: settings.memory)
    self.longestWindow = destinations.map(\.route.longestWindow).max() ?? 0
  }

  // MARK: What fronts call

  /// Begins a new upload. The first event is ``UploadEvent/offered`` or ``UploadEvent/refused``.
  ///
  /// - Parameters:
  ///   - about: metadata for each record that the upload writes to `logger`, asked for when it does.
  ///   - onEvent: called on `eventLoop`, never from within this call.
  /// - Throws: ``Refusal`` where the route's rules alone forbid it.
  public func open(
    _ request: UploadRequest, on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata = { [:] }, onEvent: @escaping (UploadEvent) -> Void
  ) throws(Refusal) -> Upload {
    let now = settings.now()
    let admission = try gatekeeper.admit(request, at: now)
    try admission.checkSize()
    let upload = Upload(
      key: nil, request: request, admission: admission, gateway: self, on: eventLoop, logger: logger, about: about,
      onEvent: onEvent)
    let state = forwarder(of: admission.route).initialState(
      of: SinkUpload(
        key: upload.key, total: request.total, digest: request.digest, route: admission.route.path,
        format: admission.format, label: request.label, client: admission.identity, createdAt: now))
    let reservation = Reservation(
      key: upload.key, route: admission.route.path, owner: admission.identity.owner,
      subject: admission.identity.subject, total: request.total, wanted: admission.wanted,
      takesPart: request.shape == .stream && admission.route.onQuota == .partial, quotas: admission.quotas,
      unfinishedLimit: admission.route.limits.unfinished,
      clientUnfinishedLimit: admission.route.clientLimits.unfinished ?? .max, format: admission.format.rawValue,
      label: request.label,
      digest: request.digest, holder: settings.holder, at: now,
      expiresAt: now.advanced(byMilliseconds: upload.keptFor), storeState: state)
    upload.begin { self.open(reservation, to: admission.route, on: eventLoop) }
    return upload
  }

  /// Goes on with an earlier upload. The first event is ``UploadEvent/offered``, ``UploadEvent/alreadyComplete`` or
  /// ``UploadEvent/refused``.
  ///
  /// Where another connection of the same client is attached, that one settles first and loses it.
  ///
  /// - Parameters:
  ///   - about: metadata for each record that the upload writes to `logger`, asked for when it does.
  ///   - onEvent: called on `eventLoop`, never from within this call.
  /// - Throws: ``Refusal`` where the route's rules alone forbid it.
  public func resume(
    _ key: UploadKey, _ request: UploadRequest, on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata = { [:] }, onEvent: @escaping (UploadEvent) -> Void
  ) throws(Refusal) -> Upload {
    let admission = try gatekeeper.admit(request, at: settings.now())
    let upload = Upload(
      key: key, request: request, admission: admission, gateway: self, on: eventLoop, logger: logger, about: about,
      onEvent: onEvent)
    let claim = Claim(
      key: key, holder: settings.holder, quotas: admission.quotas, wanted: admission.wanted, digest: request.digest,
      expiresAt: expiry(on: admission.route))
    // Whose it is comes before attaching: a stranger with a guessed key must not take a stream from its client.
    // A future that has its answer already calls back at once, so the question waits until the caller has the upload.
    eventLoop.assumeIsolated().execute {
      self.find(key, admission: admission, on: eventLoop).assumeIsolated().whenComplete { result in
        switch result {
        case .failure(let error): upload.refuse(error)
        case .success(let record) where record.state == .done: upload.wasComplete(UploadAccount(record))
        case .success(let record) where record.state == .failed: upload.refuse(Refusal.broken)
        case .success(let record):
          if let announced = request.digest, let recorded = record.digest, announced != recorded {
            return upload.refuse(Refusal.otherDigest)
          }
          if let format = DataFormat(rawValue: record.format) { upload.goesOn(as: format) }
          upload.begin {
            self.claim(
              claim, of: record, by: admission.identity.subject, to: admission.route, on: eventLoop
            ).flatMapError { error in
              // It may have been completed, dropped or broken while this connection waited for the one before.
              guard error as? LedgerError == .unknown else { return eventLoop.makeFailedFuture(error) }
              return self.find(key, admission: admission, on: eventLoop).flatMapThrowing { record in
                switch record.state {
                case .done: throw AlreadyComplete(account: UploadAccount(record))
                case .failed: throw Refusal.broken
                case .open: throw Refusal.unknownUpload
                }
              }
            }
          }
        }
      }
    }
    return upload
  }

  /// How an upload stands. Changes nothing. Fails with ``Refusal`` alone.
  public func ask(
    _ key: UploadKey, _ request: UploadRequest, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadAccount> {
    eventLoop.makeCompletedFuture { try gatekeeper.recognise(request) }
      .flatMap { self.findOwn(key, route: $0.route, identity: $0.identity, on: eventLoop) }
      .flatMapThrowing { record in
        guard record.total == request.total else { throw Refusal.unknownUpload }
        return record
      }
      .map { UploadAccount($0) }
      .flatMapErrorThrowing { throw self.refusal(for: $0) }
  }

  /// Drops an unfinished upload, what is held of it and its reservation; a connection that is attached to it loses it.
  /// Fails with ``Refusal`` alone; with ``Refusal/unknownUpload`` for one that is complete.
  public func giveUp(
    _ key: UploadKey, _ request: UploadRequest, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    let route: Route
    let identity: ClientIdentity
    do {
      (route, identity) = try gatekeeper.recognise(request)
    } catch {
      return eventLoop.makeFailedFuture(error)
    }
    return findOwn(key, route: route, identity: identity, on: eventLoop)
      .flatMap { record -> EventLoopFuture<AttachmentRegistry.Attachment> in
        guard record.state != .done else { return eventLoop.makeFailedFuture(Refusal.unknownUpload) }
        return self.attachments.attach(
          AttachmentRegistry.Wish(key: key, route: record.route, subject: identity.subject), on: eventLoop, yield: {})
      }
      .flatMap { attachment in
        self.findOwn(key, route: route, identity: identity, on: eventLoop)
          .flatMap { self.drop($0, on: eventLoop) }
          .always { _ in self.attachments.detach(attachment) }
      }
      .flatMapErrorThrowing { throw self.refusal(for: $0) }
  }

  // MARK: What uploads need

  func forwarder(of route: Route) -> any Forwarder {
    guard let forwarder = forwarders[route.path] else { preconditionFailure("a route without a forwarder") }
    return forwarder
  }

  func expiry(on route: Route) -> WallTime {
    settings.now().advanced(byMilliseconds: route.resumeFor.milliseconds)
  }

  func refusal(for error: any Error) -> Refusal {
    switch error {
    case let refusal as Refusal: refusal
    case LedgerError.quota(_, let windows): quotaRefusal(windows)
    case LedgerError.crowded: .busy(retryAfter: 60)
    case LedgerError.unknown, LedgerError.fenced: .unknownUpload
    case LedgerError.engine(let what), SinkFailure.storage(let what): .storage(what)
    case SinkFailure.full: .full
    default: .storage("\(error)")
    }
  }

  /// When the last of `windows` has ended, none of them is a reason any more.
  private func quotaRefusal(_ windows: [QuotaCap]) -> Refusal {
    guard let end = windows.map({ $0.window.addingReportingOverflow($0.length).partialValue }).max() else {
      return .quota
    }
    let seconds = max(1, (end - settings.now().milliseconds + 999) / 1000)
    return .windowFull(retryAfter: Int(seconds))
  }

  private func find(
    _ key: UploadKey, admission: Admission, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadRecord> {
    findOwn(key, route: admission.route, identity: admission.identity, on: eventLoop).flatMapThrowing { record in
      guard record.total == admission.total else { throw Refusal.unknownUpload }
      return record
    }
  }

  /// The record, where it is this client's and this route's. Any other is as if it never was.
  private func findOwn(
    _ key: UploadKey, route: Route, identity: ClientIdentity, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadRecord> {
    ledger.find(key, on: eventLoop).flatMapThrowing { record in
      guard let record, record.route == route.path, identity.owns(record.owner) else {
        throw Refusal.unknownUpload
      }
      return record
    }
  }

  /// The ledger first: bytes without a record are swept at the next start, a record without bytes would be a loss.
  func drop(_ record: UploadRecord, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    guard record.state != .done else { return eventLoop.makeFailedFuture(Refusal.unknownUpload) }
    return ledger.release(record.key, epoch: record.epoch, on: eventLoop).flatMap {
      guard let forwarder = self.forwarders[record.route] else { return eventLoop.makeSucceededVoidFuture() }
      return forwarder.discard(record.key, on: eventLoop)
    }
  }
}

/// What goes on in place of a claim on an upload that turned out to be complete.
struct AlreadyComplete: Error {
  let account: UploadAccount
}

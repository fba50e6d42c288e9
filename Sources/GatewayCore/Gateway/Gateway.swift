package import Logging
package import Metrics
package import NIOCore
import Synchronization

/// What every front calls: begins uploads and goes on with them, tells how they stand, cancels them.
package final class Gateway: Sendable {
  /// What is the same for all routes.
  package let settings: GatewaySettings
  /// The bytes of all uploads that are in memory.
  package let memory: MemoryBudget
  let ledger: any Ledger
  let locks = UploadLocks()
  /// The uploads that a connection has, or waits for.
  package var connectedUploads: Set<UploadKey> { locks.lockedKeys }
  /// On all that this gateway holds; `nil` where no other one could take it.
  package let lease: LeaseKeeper?
  let published: Mutex<PublishedRoutes>
  let observer: (any GatewayObserver)?
  /// `nil` where nobody has to hear of anything.
  let events: (any EventSource)?
  /// The uploads that are made of others, until they are complete.
  let finals = Mutex(WaitingFinals())
  /// The uploads that connections have now.
  package let live = LiveUploads()
  /// Who was refused last, and why.
  package let recentRefusals = RecentRefusals()
  /// Requests that were refused as there is no such route.
  package let refusedNowhere = Counter()
  let eventLoops: EventLoopNumbers
  /// For what no connection does.
  let logger: Logger
  /// Who may upload where. A reload publishes it anew.
  package var access: PublishedAccess { gatekeeper.access }

  /// - Parameters:
  ///   - destinations: each route with where its bytes go; each path once.
  ///   - memory: shared with forwarders that hold bytes for longer than their sinks; made of `settings` where it is `nil`.
  ///   - lease: of one gateway of several over the ledger.
  ///   - eventLoops: those that uploads will be on.
  ///   - observer: hears of each refusal, offer and end; `nil` costs nothing.
  ///   - events: says who has to hear of what becomes of uploads; `nil` where nobody has to.
  ///   - logger: for what the gateway does by itself; `nil` for none.
  package init(
    destinations: [(route: Route, forwarder: any Forwarder)], ledger: any Ledger, settings: GatewaySettings,
    memory: MemoryBudget? = nil, lease: LeaseKeeper? = nil, eventLoops: EventLoopNumbers = EventLoopNumbers([]),
    observer: (any GatewayObserver)? = nil, events: (any EventSource)? = nil, logger: Logger? = nil
  ) {
    self.eventLoops = eventLoops
    self.published = Mutex(PublishedRoutes(destinations, shards: eventLoops.count))
    self.ledger = ledger
    self.lease = lease
    self.settings = settings
    self.memory = memory ?? MemoryBudget(limit: settings.memory)
    self.observer = observer
    self.events = events
    self.logger = logger ?? Logger(label: "gateway") { _ in SwiftLogNoOpLogHandler() }
  }

  /// Begins a new upload. The first event is ``UploadEvent/offered`` or ``UploadEvent/refused``.
  ///
  /// - Parameters:
  ///   - about: metadata for each record that the upload writes to `logger`, asked for when it does.
  ///   - onEvent: called on `eventLoop`, never from within this call.
  /// - Throws: ``Refusal`` where the route's rules alone forbid it.
  package func open(
    _ request: UploadRequest, on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata = { [:] }, onEvent: @escaping (UploadEvent) -> Void
  ) throws(Refusal) -> Upload {
    let now = settings.now()
    let admission: Admission
    do throws(Refusal) {
      if let refusal = leaseRefusal(at: eventLoop.now) { throw refusal }
      admission = try gatekeeper.admit(request, at: now)
      try admission.checkSize(request.total)
      try judgePressure(of: admission, on: eventLoop)
    } catch {
      throw refuse(request.access, error)
    }
    let (route, identity) = (admission.route, admission.identity)
    let facts = UploadFacts(
      key: .mint(at: now), route: route.path, owner: identity.owner, subject: identity.subject,
      format: admission.format, label: request.label, metadata: request.metadata, digest: request.digest,
      total: request.total, createdAt: now, role: request.isPart ? .part : .whole)
    let isResumable = request.shape == .stream
    let upload = Upload(
      UploadTask(facts: facts, admission: admission, isNew: true, isResumable: isResumable), gateway: self,
      on: eventLoop, logger: logger, about: about, onEvent: onEvent)
    if request.total == nil { upload.growth = growth(of: admission, atMost: request.atMost) }
    // What comes of unknown length is stopped where it becomes too much.
    let takesPart =
      request.total == nil
      ? request.shape != .payload : request.understandsParts && isResumable && route.onQuota == .partial
    let (wanted, keptFor) = (request.total ?? upload.growth?.first(from: 0) ?? 0, upload.keptFor)
    guard let judge = route.judge else {
      let reservation = reservation(of: facts, admission, wanted: wanted, takesPart: takesPart, keptFor: keptFor)
      upload.begin { self.open(reservation, admission, on: eventLoop) }
      return upload
    }
    let opening = Opening(facts: facts, connection: request.transfer.connection)
    upload.begin {
      judge.judge(opening, on: eventLoop).assumeIsolated().flatMap { wish -> EventLoopFuture<Lease> in
        let facts = facts.taking(wish)
        upload.admission = admission.counting(against: facts.subject, at: now)
        let reservation = self.reservation(
          of: facts, upload.admission, wanted: wanted, takesPart: takesPart, keptFor: keptFor, folders: wish.folders)
        return self.open(reservation, upload.admission, on: eventLoop)
      }.nonisolated()
    }
    return upload
  }

  /// How an upload stands once no connection has it: one that does makes safe what arrived over it, and loses it. Changes
  /// nothing else. Fails with ``Refusal`` alone.
  package func settledStatus(
    of key: UploadKey, _ access: AccessRequest, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadAccount> {
    let client: RecognisedClient
    do throws(Refusal) {
      client = try gatekeeper.recogniseHolder(access, at: settings.now())
    } catch {
      return eventLoop.makeFailedFuture(refuse(access, error))
    }
    return findOwn(key, of: client, on: eventLoop)
      .flatMap { record -> EventLoopFuture<UploadAccount> in
        // What the gateway makes by itself is nobody's to settle.
        guard record.state == .open, !record.facts.role.isFinal else {
          return eventLoop.makeSucceededFuture(UploadAccount(record))
        }
        return self.lock(record, for: client, on: eventLoop).flatMapErrorThrowing { error in
          // Somebody newer waits for the upload: the question is worth asking again.
          throw error as? Refusal == .superseded ? Refusal.busy(retryAfter: 1) : error
        }.flatMap { lock in
          self.findOwn(key, of: client, on: eventLoop).map { UploadAccount($0) }.always { _ in self.locks.unlock(lock) }
        }
      }
      .flatMapErrorThrowing { throw self.refuse(access, self.refusal(for: $0)) }
  }

  /// How an upload stands. Changes nothing. Fails with ``Refusal`` alone.
  package func status(
    of key: UploadKey, _ access: AccessRequest, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadAccount> {
    eventLoop.makeCompletedFuture { try gatekeeper.recogniseHolder(access, at: settings.now()) }
      .flatMap { self.findOwn(key, of: $0, on: eventLoop) }
      .map { UploadAccount($0) }
      .flatMapErrorThrowing { throw self.refuse(access, self.refusal(for: $0)) }
  }

  /// Drops an unfinished upload, what is held of it and its reservation; a connection that has it loses it.
  /// Fails with ``Refusal`` alone; with ``Refusal/unknownUpload`` for one that is complete.
  package func cancel(
    _ key: UploadKey, _ access: AccessRequest, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    let client: RecognisedClient
    do throws(Refusal) {
      client = try gatekeeper.recogniseHolder(access, at: settings.now())
    } catch {
      return eventLoop.makeFailedFuture(refuse(access, error))
    }
    return findOwn(key, of: client, on: eventLoop)
      .flatMap { record -> EventLoopFuture<UploadLocks.Lock> in
        guard record.state != .done else { return eventLoop.makeFailedFuture(Refusal.unknownUpload) }
        return self.lock(record, for: client, on: eventLoop)
      }
      .flatMap { lock in
        self.findOwn(key, of: client, on: eventLoop)
          .flatMap { self.drop($0, .dropped, on: eventLoop) }
          .always { _ in self.locks.unlock(lock) }
      }
      .flatMapErrorThrowing { throw self.refuse(access, self.refusal(for: $0)) }
  }

  /// The record, where it is this client's and this route's. Any other is as if it never was.
  func findOwn(
    _ key: UploadKey, of client: RecognisedClient, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadRecord> {
    ledger.find(key, on: eventLoop).flatMapThrowing { record in
      guard let record, client.on(record.facts) != nil else { throw Refusal.unknownUpload }
      return record
    }
  }

  /// Has the connection that has the upload make safe what it brought, and lose it.
  private func lock(
    _ record: UploadRecord, for client: RecognisedClient, on eventLoop: any EventLoop
  ) -> EventLoopFuture<UploadLocks.Lock> {
    let subject = (client.on(record.facts) ?? client).identity.subject
    return locks.lock(
      UploadLocks.Request(key: record.key, connected: client.runtime.connected, subject: subject), on: eventLoop,
      letGo: {})
  }
}

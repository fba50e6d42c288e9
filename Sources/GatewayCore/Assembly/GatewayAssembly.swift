package import Logging
package import NIOCore
import Synchronization

/// What became of a request for an upload that is made of others.
package enum AssemblyOutcome: Sendable {
  /// It is complete, safe and in its place.
  case complete(UploadKey, size: Int64)
  /// Not all of its parts are full. The gateway makes it as soon as they are, also after a restart.
  case waits(UploadKey, expiresAt: WallTime)
}

// Uploads that are made of others, for a client.
extension Gateway {
  /// Makes an upload of the bytes of others, which stay as they are: copies them where all are full, and else promises to.
  ///
  /// Quota and space for all of it are reserved before anything is copied. Whatever becomes of the client's connection, it
  /// goes on to its end. Where it fails, and where the gateway goes away meanwhile, nothing is kept of it. A gateway that
  /// dies goes on with it at its next start.
  ///
  /// - Parameters:
  ///   - request: what is known of the upload; its total is the parts' own.
  ///   - parts: in order; each a part of the same route and client, as often as it is wanted.
  ///   - about: metadata for each record that the upload writes to `logger`, asked for when it does.
  /// - Returns: fails with ``Refusal`` or ``UploadFailure``.
  package func assemble(
    _ request: UploadRequest, of parts: [UploadKey], on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata = { [:] }
  ) -> EventLoopFuture<AssemblyOutcome> {
    let now = settings.now()
    let admission: Admission
    do throws(Refusal) {
      admission = try gatekeeper.admit(request, at: now)
      guard admission.runtime.traits.assembles else { throw .shape(request.shape) }
    } catch {
      return eventLoop.makeFailedFuture(refuse(request.access, error))
    }
    let client = admission.client
    return find(parts, on: eventLoop) { key in self.findOwn(key, of: client, on: eventLoop) }
      .assumeIsolated().flatMap { records -> EventLoopFuture<AssemblyOutcome> in
        let facts: UploadFacts
        do throws(Refusal) {
          guard records.allSatisfy(\.isOpenPart) else { throw .unknownUpload }
          let total = try Self.total(of: records, limit: admission.limit)
          facts = UploadFacts(
            key: .mint(at: now), route: admission.route.path, owner: admission.identity.owner,
            subject: admission.identity.subject, format: admission.format, label: request.label,
            metadata: request.metadata, digest: request.digest, total: total, createdAt: now, role: .final(of: parts))
        } catch {
          return eventLoop.makeFailedFuture(error)
        }
        guard let list = PartList(records) else { return self.keep(facts, admission, on: eventLoop, logger: logger) }
        return self.assemble(facts, of: list, admission, on: eventLoop, logger: logger, about: about)
      }
      .flatMapErrorThrowing { error in
        if error is UploadFailure { throw error }
        throw self.refuse(request.access, self.refusal(for: error))
      }.nonisolated()
  }

  /// What is found of each of many uploads, in order; each is asked for once.
  func find<Found: Sendable>(
    _ keys: [UploadKey], on eventLoop: any EventLoop, _ one: (UploadKey) -> EventLoopFuture<Found>
  ) -> EventLoopFuture<[Found]> {
    let distinct = Array(Set(keys))
    return EventLoopFuture.whenAllSucceed(distinct.map(one), on: eventLoop).map { found in
      let byKey = Dictionary(uniqueKeysWithValues: zip(distinct, found))
      return keys.compactMap { byKey[$0] }
    }
  }

  /// The sum of the parts; `nil` where one of them has no total yet.
  private static func total(of parts: [UploadRecord], limit: Int64) throws(Refusal) -> Int64? {
    var sum: Int64? = 0
    for part in parts {
      let (known, isTooMuch) = (sum ?? 0).addingReportingOverflow(part.facts.total ?? 0)
      if isTooMuch || known > limit { throw .tooLarge(limit: limit) }
      sum = sum == nil || part.facts.total == nil ? nil : known
    }
    return sum
  }

  private func assemble(
    _ facts: UploadFacts, of list: PartList, _ admission: Admission, on eventLoop: any EventLoop, logger: Logger,
    about: @escaping () -> Logger.Metadata
  ) -> EventLoopFuture<AssemblyOutcome> {
    let isStopped = finals.withLock { finals in
      if !finals.isStopped { finals.begin(facts.key, of: facts.role.parts) }
      return finals.isStopped
    }
    guard !isStopped else { return eventLoop.makeFailedFuture(Refusal.shutdown) }
    let promise = eventLoop.makePromise(of: AssemblyOutcome.self)
    let upload = Upload(
      UploadTask(facts: facts, admission: admission, isNew: true, isResumable: false, parts: list), gateway: self,
      on: eventLoop, logger: logger, about: about
    ) { event in
      switch event {
      case .offered, .paused, .resumed, .safe, .superseded, .unauthorized: return
      case .complete(let size, _):
        self.finals.withLock { $0.remove(facts.key) }
        self.dropParts(of: facts, admission.route, on: eventLoop).whenComplete { _ in
          promise.succeed(.complete(facts.key, size: size))
        }
        return
      case .refused(let refusal): promise.fail(refusal == .superseded ? Refusal.shutdown : refusal)
      case .failed(let failure, _): promise.fail(failure)
      case .suspended, .alreadyComplete: promise.fail(Refusal.shutdown)
      }
      self.finals.withLock { $0.remove(facts.key) }
    }
    let reservation = reservation(
      of: facts, admission, wanted: list.total, takesPart: false, keptFor: upload.keptFor)
    upload.begin { self.open(reservation, admission, on: eventLoop) }
    return promise.futureResult
  }

  /// Records it for the time when its parts are full. A client is told that it is taken, so it has to survive a power cut.
  private func keep(
    _ facts: UploadFacts, _ admission: Admission, on eventLoop: any EventLoop, logger: Logger
  ) -> EventLoopFuture<AssemblyOutcome> {
    let keptFor = admission.route.resumeFor.milliseconds
    let reservation = reservation(of: facts, admission, wanted: facts.total ?? 0, takesPart: false, keptFor: keptFor)
    let expiresAt = reservation.expiresAt
    return open(reservation, admission, on: eventLoop).flatMap { lease in
      // Only what is being written has space of its own.
      admission.runtime.forwarder.limitReservedSpace(to: 0, of: facts.key)
      let advance = Advance(
        key: facts.key, epoch: lease.epoch, from: 0, to: 0, expiresAt: expiresAt, endsLease: true)
      return self.ledger.advance(advance, on: eventLoop).flatMapError { error in
        let record = UploadRecord(
          facts: facts, committed: 0, granted: 0, state: .open, epoch: lease.epoch, expiresAt: expiresAt)
        return self.ledger.release(
          facts.key, epoch: lease.epoch, events: self.events(of: .dropped, record), on: eventLoop
        ).flatMapErrorThrowing { _ in }.flatMapThrowing { throw error }
      }
    }.map {
      logger.info(
        "Upload waits for its parts", metadata: ["upload": "\(facts.key.logID)", "route": "\(facts.route)"])
      // One of them may have become full since it was read.
      self.finals.withLock { $0.add(facts.key, of: facts.role.parts) }
      self.lookAtFinals(on: eventLoop)
      return .waits(facts.key, expiresAt: expiresAt)
    }
  }

  /// Drops the parts of what is complete, where the route says so, but for those that another final wants.
  func dropParts(of facts: UploadFacts, _ route: Route, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    guard route.dropsParts else { return eventLoop.makeSucceededVoidFuture() }
    let parts = finals.withLock { finals in Set(facts.role.parts).filter { !finals.want($0) } }
    let dropped = parts.map { key in
      ledger.find(key, on: eventLoop).flatMap { record in
        guard let record, record.isOpenPart else { return eventLoop.makeSucceededVoidFuture() }
        return self.drop(record, .dropped, on: eventLoop)
      }
    }
    // What stays is dropped when it expires.
    return EventLoopFuture.andAllComplete(Array(dropped), on: eventLoop)
  }
}

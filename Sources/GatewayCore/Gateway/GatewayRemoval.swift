package import NIOCore
internal import Synchronization

// What is dropped leaves the ledger first and the disk second.
extension Gateway {
  /// Removes a complete upload: its bytes, and what it used of its quotas without a window. Who asks for it afterwards
  /// does not find it.
  ///
  /// In three steps, each of which survives a power cut. The ledger gives back the quota, once, and says from then on that the upload
  /// can never be completed (``Ledger/retract(_:expiresAt:on:)``); its bytes are removed; the ledger forgets it. What is stopped
  /// between two of them is ended by its client's next try, or by the sweep of what has expired.
  /// - Returns: fails with ``Refusal`` alone; with ``Refusal/unknownUpload`` for one that is not complete.
  package func remove(_ key: UploadKey, _ access: AccessRequest, on eventLoop: any EventLoop) -> EventLoopFuture<Void> {
    eventLoop.makeCompletedFuture { try gatekeeper.recogniseHolder(access, at: settings.now()) }
      .flatMap { self.findOwn(key, of: $0, on: eventLoop) }
      .flatMap { record -> EventLoopFuture<Void> in
        let events = record.state == .done ? self.events(of: .removed, record) : []
        return self.ledger.retract(key, expiresAt: self.settings.now(), events: events, on: eventLoop).flatMap {
          var record = record
          record.state = .failed
          return self.drop(record, .dropped, on: eventLoop)
        }
      }
      .flatMapErrorThrowing { throw self.refuse(access, self.refusal(for: $0)) }
  }

  /// Drops an upload that is not complete, and what is held of it. Finals that wait for it hear of that.
  ///
  /// - Parameter kind: what those are told who want to hear of it, where it was open.
  func drop(
    _ record: UploadRecord, _ kind: EventKind, on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    let forwarder = runtimes[record.facts.route]?.forwarder
    switch record.state {
    case .done: return eventLoop.makeFailedFuture(Refusal.unknownUpload)
    case .open:
      // Bytes without a record are swept at the next start, a record without bytes would be a loss.
      return release(record, events(of: kind, record), on: eventLoop).flatMap {
        forwarder?.discard(record.key, on: eventLoop) ?? eventLoop.makeSucceededVoidFuture()
      }
    case .failed:
      // Nobody can lose what has failed. It may have been complete, and no start sweeps files with final names: the record is
      // what they are found by until they are gone.
      return (forwarder?.remove(record, on: eventLoop) ?? eventLoop.makeSucceededVoidFuture()).flatMap {
        self.release(record, [], on: eventLoop)
      }
    }
  }

  private func release(
    _ record: UploadRecord, _ events: [Event], on eventLoop: any EventLoop
  ) -> EventLoopFuture<Void> {
    ledger.release(record.key, epoch: record.epoch, events: events, on: eventLoop).map {
      self.finals.withLock { $0.remove(record.key) }
      self.partChanged(record.key, on: eventLoop)
    }
  }
}

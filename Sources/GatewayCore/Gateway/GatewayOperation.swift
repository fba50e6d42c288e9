package import NIOCore

// What an operator does by hand, in place of an upload's client.
extension Gateway {
  /// Drops an unfinished upload, what is held of it and its reservation; a connection that has it loses it.
  ///
  /// - Parameter label: ``UploadKey/logID``, as the log and the live page show it.
  /// - Returns: fails with ``Refusal`` alone; with ``Refusal/unknownUpload`` where no unfinished upload is called so, or more
  ///   than one.
  package func drop(labelled label: String, on eventLoop: any EventLoop) -> EventLoopFuture<UploadFacts> {
    ledger.unfinished(of: settings.holder, on: eventLoop).flatMapThrowing { records -> UploadRecord in
      let found = records.filter { $0.key.logID == label }
      guard let record = found.first, found.count == 1 else { throw Refusal.unknownUpload }
      return record
    }.flatMap { record -> EventLoopFuture<UploadFacts> in
      guard let runtime = self.runtimes[record.facts.route] else {
        return self.drop(record, .dropped, on: eventLoop).map { record.facts }
      }
      let request = UploadLocks.Request(
        key: record.key, connected: runtime.connected, subject: record.facts.subject)
      return self.locks.lock(request, on: eventLoop, letGo: {}).flatMap { lock in
        self.ledger.find(record.key, on: eventLoop).flatMap { current in
          guard let current, current.state != .done else { return eventLoop.makeFailedFuture(Refusal.unknownUpload) }
          return self.drop(current, .dropped, on: eventLoop).map { current.facts }
        }.always { _ in self.locks.unlock(lock) }
      }
    }.flatMapErrorThrowing { throw self.refusal(for: $0) }
  }
}

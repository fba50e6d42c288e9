// What is recorded of a change for those who have to hear of it.
extension Gateway {
  /// Of one upload, as it is after the change. Of a part nobody hears: it is nothing by itself.
  func events(of kind: EventKind, _ upload: UploadRecord, location: String? = nil) -> [Event] {
    guard let events, upload.facts.role != .part else { return [] }
    return events.events(of: kind, upload, location: location, at: settings.now())
  }
}

extension Upload {
  /// As the ledger has it, as far as it is known here.
  func record(under lease: Lease) -> UploadRecord {
    UploadRecord(
      facts: facts, committed: machine.recorded, granted: 0, state: .open, epoch: lease.epoch,
      expiresAt: gateway.settings.now(), storeState: sinkState ?? lease.storeState)
  }
}

extension UploadRecord {
  /// The same once all of it has arrived.
  func completed(size: Int64) -> UploadRecord {
    var record = self
    record.state = .done
    record.committed = size
    return record
  }
}

internal import Synchronization

/// An upload that a connection has now, for whoever watches.
package final class LiveUpload: Sendable {
  /// ``UploadFacts``, as they were at the offer.
  package let facts: UploadFacts
  /// ``ClientIdentity/name``.
  package let client: String
  /// Where the client is.
  package let address: String
  /// Bytes from the stream's start that were there before.
  package let offset: Int64
  /// When it was offered over this connection.
  package let offeredAt: WallTime
  private let count = Atomic<Int64>(0)

  init(facts: UploadFacts, client: String, address: String, offset: Int64, offeredAt: WallTime) {
    self.facts = facts
    self.client = client
    self.address = address
    self.offset = offset
    self.offeredAt = offeredAt
  }

  /// Bytes that came over this connection.
  package var received: Int64 { count.load(ordering: .relaxed) }

  func note(received: Int64) { count.store(received, ordering: .relaxed) }
}

/// The uploads that connections have now. One comes in at its offer and leaves at its end; nothing is locked between.
package final class LiveUploads: Sendable {
  private let uploads = Mutex<[ObjectIdentifier: LiveUpload]>([:])

  /// The oldest first.
  package var all: [LiveUpload] {
    uploads.withLock { Array($0.values) }.sorted {
      ($0.offeredAt.milliseconds, $0.facts.key.text) < ($1.offeredAt.milliseconds, $1.facts.key.text)
    }
  }

  func add(_ upload: LiveUpload) { uploads.withLock { $0[ObjectIdentifier(upload)] = upload } }

  func remove(_ upload: LiveUpload) { _ = uploads.withLock { $0.removeValue(forKey: ObjectIdentifier(upload)) } }
}

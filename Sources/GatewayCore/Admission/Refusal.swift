/// Why an upload is not taken. Closed: a front maps each case to its protocol's own word in one table.
package enum Refusal: Error, Hashable, Sendable {
  /// No route has that path.
  case noRoute
  /// The route wants credentials, and there are none or wrong ones.
  case unauthorized
  /// The route's judge does not want it.
  case declined
  /// The route takes no uploads of that shape.
  case shape(UploadRequest.Shape)
  /// The route takes only these.
  case format(accepted: [DataFormat])
  /// The total is above what one upload may have, in bytes.
  case tooLarge(limit: Int64)
  /// No such unfinished upload of this client.
  case unknownUpload
  /// The digest is not the one that the upload began with.
  case otherDigest
  /// The total is not the one that is recorded, or cannot be.
  case otherTotal
  /// The client wants to go on elsewhere than where what is safe ends, in bytes from the stream's start.
  case otherOffset(safe: Int64)
  /// Too many uploads at once, or begun too fast, or memory is short; worth another try after so many seconds.
  case busy(retryAfter: Int)
  /// The quotas leave nothing, or less than all where all is wanted.
  case quota
  /// As ``quota``, but for a window that ends, and with it the reason, after so many seconds.
  case windowFull(retryAfter: Int)
  /// A newer connection of the same client wants the upload.
  case superseded
  /// The store has no room.
  case full
  /// The store is not full, and has no room for this.
  case noRoom(SpaceShortage)
  /// The store or the ledger failed.
  case storage(String)
  /// The ledger's database cannot be reached; worth another try soon.
  case away(String)
  /// No backend takes it.
  case backend(String)
  /// It can never be completed: its backend's stream is gone.
  case broken
  /// The gateway is going away.
  case shutdown
}

/// Why an upload that was under way ended without being complete.
package enum UploadFailure: Error, Hashable, Sendable {
  /// The store is full. What was safe stays so.
  case full
  /// The store or the ledger failed. What was safe stays so.
  case storage(String)
  /// A stream of unknown length became longer than what could be reserved for it. What was safe stays so.
  case outgrown(Refusal)
  /// The digest of what arrived is another than announced. Nothing was kept.
  case digest(computed: ContentDigest)
  /// The bytes are not what their format says. Nothing was kept.
  case content(ContentFault)
  /// All of it arrived, and who judges whole uploads does not want it. It is not complete, and never will be.
  case rejected(String)
  /// The backend broke off. It has some of the bytes, and will get no more.
  case backend(String)
  /// The backend was silent for too long. It has some of the bytes, and will get no more.
  case backendTimeout(String)

  init(_ failure: SinkFailure) {
    self =
      switch failure {
      case .full: .full
      case .storage(let what): .storage(what)
      case .digest(let computed): .digest(computed: computed)
      case .content(let fault): .content(fault)
      case .rejected(let why): .rejected(why)
      case .backend(let what): .backend(what)
      case .backendTimeout(let what): .backendTimeout(what)
      }
  }

  /// What becomes of the upload.
  enum Consequence {
    /// What is safe stays so, and its client may go on.
    case kept
    /// Nothing is kept.
    case dropped
    /// Nothing can go on, and its client shall hear so.
    case broken
  }

  var consequence: Consequence {
    switch self {
    case .full, .storage, .outgrown: .kept
    case .digest, .content: .dropped
    case .rejected, .backend, .backendTimeout: .broken
    }
  }
}

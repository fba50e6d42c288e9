import GatewayCore
import XStream

// The one place where the core's words become the wire's (protocol.md, section 6).

extension RefusalMessage {
  init(_ refusal: Refusal) {
    switch refusal {
    case .noRoute: self.init(status: .noRoute, reason: "no such route")
    case .unauthorized:
      self.init(status: .unauthorized, reason: "the route wants credentials, and these are none of its")
    case .declined: self.init(status: .unauthorized, reason: "the route does not want this upload")
    case .shape(.stream), .shape(.whole):
      self.init(status: .noStream, reason: "the route takes no streams; send a packet with a payload, without x-stream")
    case .shape(.payload):
      self.init(status: .noStream, reason: "the route takes no payloads; announce a stream with x-stream")
    case .format(let accepted):
      let formats = accepted.compactMap { StreamFormat($0.rawValue) }
      self.init(status: .format, reason: "the route does not take this data-format", formats: formats)
    case .tooLarge(let limit):
      self.init(status: .tooLarge, reason: "the route takes no more than \(limit) bytes at once")
    case .unknownUpload: self.init(status: .unknownKey, reason: "no such unfinished stream")
    case .otherDigest:
      self.init(status: .malformed, reason: "x-stream-digest has to be the one that the stream began with")
    case .otherTotal: self.init(status: .unknownKey, reason: "no such unfinished stream")
    case .otherOffset:
      self.init(status: .unknownKey, reason: "the stream goes on elsewhere")
    case .busy(let seconds):
      self.init(status: .busy, reason: "too many streams at once, or too fast", retryAfter: Int64(seconds))
    case .quota: self.init(status: .quota, reason: "the quota is used up")
    case .windowFull(let seconds):
      self.init(status: .quota, reason: "the quota is used up for now", retryAfter: Int64(seconds))
    case .superseded: self.init(status: .unknownKey, reason: "a newer connection has taken the stream over")
    case .full, .noRoom(.full): self.init(status: .storage, reason: "the store is full", retryAfter: 60)
    case .noRoom(.tooLittle):
      self.init(status: .storage, reason: "the store has no room for all of it", retryAfter: 60)
    case .noRoom(.promised):
      self.init(
        status: .busy, reason: "the store's room is promised to streams under way",
        retryAfter: Int64(SpaceShortage.retryAfter))
    case .noRoom(.share):
      self.init(status: .quota, reason: "your unfinished streams hold their share of the store's room")
    case .storage: self.init(status: .storage, reason: "the store failed")
    case .away: self.init(status: .storage, reason: "the ledger cannot be reached now", retryAfter: 5)
    // Backends' addresses are for the log alone.
    case .backend: self.init(status: .backend, reason: "no backend takes it now", retryAfter: 5)
    case .broken: self.init(status: .gone, reason: "the backend's stream is gone; begin a new one")
    case .shutdown: self.init(status: .shutdown, reason: "the server is going away; resume with the key")
    }
  }

  /// A failure before anything was offered.
  init(_ failure: UploadFailure) {
    let failure = ServerExchange.Failure(failure)
    self.init(status: failure.status, reason: failure.reason, retryAfter: failure.retryAfter)
  }
}

extension ServerExchange.Failure {
  init(_ failure: UploadFailure) {
    switch failure {
    case .full: self.init(status: .storage, reason: "the store is full", retryAfter: 60)
    // The system's words name folders of the gateway's machine: they are for its log alone.
    case .storage: self.init(status: .storage, reason: "the store failed", retryAfter: 60)
    case .outgrown(let refusal):
      let message = RefusalMessage(refusal)
      self.init(status: message.status, reason: message.reason, retryAfter: message.retryAfter)
    case .digest(let computed):
      self.init(
        status: .digest, reason: "the bytes that arrived have another digest", digest: StreamDigest(computed),
        keepsNothing: true)
    case .content(let fault):
      self.init(status: .malformed, reason: "byte \(fault.offset): \(fault.reason)", keepsNothing: true)
    // What a scanner found is for the operator.
    case .rejected:
      self.init(status: .malformed, reason: "it did not pass the route's check", keepsNothing: true)
    case .backend: self.init(status: .backend, reason: "the backend broke off; begin again")
    case .backendTimeout: self.init(status: .timeout, reason: "the backend was silent for too long; begin again")
    }
  }
}

extension StreamDigest {
  init?(_ digest: ContentDigest) {
    self.init(bytes: digest.bytes)
  }
}

extension StreamKey {
  /// Both sides have the same rules for a key.
  init(_ key: UploadKey) {
    guard let key = StreamKey(key.text) else { preconditionFailure("a key that the wire cannot carry") }
    self = key
  }
}

extension UploadKey {
  init(_ key: StreamKey) {
    guard let key = UploadKey(key.text) else { preconditionFailure("a key that the core cannot keep") }
    self = key
  }
}

extension Grant {
  init(_ offer: UploadOffer) {
    let isWhole = offer.total.map { offer.granted >= $0 } ?? false
    let format = StreamFormat(offer.format.rawValue) ?? .bytes
    self.init(
      extent: isWhole ? .whole : .next(offer.granted - offer.offset), buffer: offer.buffer, key: StreamKey(offer.key),
      format: format, offset: offer.offset)
  }
}

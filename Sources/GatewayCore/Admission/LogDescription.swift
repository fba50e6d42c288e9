import TextForms

// What the operator reads. Clients get the wire's words, which name nothing of the gateway's machine.

extension UploadFailure {
  /// What went wrong, for the log.
  package var logDescription: String {
    switch self {
    case .full: "the store is full"
    case .storage(let what): "the store failed: \(what)"
    case .outgrown(let refusal): "it became longer than what could be reserved: \(refusal.logDescription)"
    case .digest(let computed): "the digest is another: \(computed.logDescription)"
    case .content(let fault): "byte \(fault.offset) is not what the format says: \(fault.reason)"
    case .rejected(let why): "`hold-until` does not let it pass: \(why)"
    case .backend(let what): "the backend broke off: \(what)"
    case .backendTimeout(let what): "the backend was silent for too long: \(what)"
    }
  }
}

extension Refusal {
  /// Why, for the log.
  package var logDescription: String {
    switch self {
    case .noRoute: "no such route"
    case .unauthorized: "no credentials, or none of the route's"
    case .declined: "`on-open` does not want it"
    case .shape(.stream), .shape(.whole): "the route takes no streams"
    case .shape(.payload): "the route takes no payloads"
    case .format(let accepted): "the route takes only \(accepted.map(\.rawValue).joined(separator: ", "))"
    case .tooLarge(let limit): "above the limit of \(limit) bytes"
    case .unknownUpload: "no such unfinished upload of this client"
    case .otherDigest: "the digest is not the one that the upload began with"
    case .otherTotal: "the total is not the one that the upload has"
    case .otherOffset(let safe): "the upload goes on at byte \(safe)"
    case .busy(let seconds): "too many uploads at once, or too fast; to be tried again after \(seconds) s"
    case .quota: "the quota is used up"
    case .windowFull(let seconds): "the window's quota is used up, for \(seconds) s"
    case .superseded: "a newer connection has taken the upload over"
    case .full, .noRoom(.full): "the store is full"
    case .noRoom(.tooLittle): "the store has no room for all of it"
    case .noRoom(.promised): "the store's room is promised to uploads under way"
    case .noRoom(.share): "the client's unfinished uploads hold its share of the store's room"
    case .storage(let what): "the store failed: \(what)"
    case .away(let what): "the ledger is away: \(what)"
    case .backend(let what): "no backend takes it: \(what)"
    case .broken: "the backend's stream is gone"
    case .shutdown: "the gateway is going away"
    }
  }
}

extension LedgerError {
  /// What went wrong, for the log.
  package var logDescription: String {
    switch self {
    case .quota(let available, _): "the quotas leave \(available) bytes"
    case .crowded: "too many unfinished uploads"
    case .fenced: "another connection has taken the upload over"
    case .held(let holder): "the gateway \(holder) has the upload"
    case .unknown: "no such unfinished upload"
    case .handedOver: "another process has taken over from this gateway"
    case .engine(let words), .away(let words): words
    }
  }
}

extension ContentDigest {
  /// In hexadecimal, after `sha-256:`.
  package var logDescription: String {
    "sha-256:" + Hexadecimal.text(bytes)
  }
}

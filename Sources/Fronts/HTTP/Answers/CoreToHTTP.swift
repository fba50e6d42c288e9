import GatewayCore
import HTTPUpload

// The one place where the core's words become HTTP's (docs/http.md, "Answers").

extension HTTPProblem {
  init(_ refusal: Refusal) {
    switch refusal {
    case .noRoute, .unknownUpload: self = .notFound
    case .unauthorized: self = .unauthorized
    case .declined: self = .forbidden
    case .shape: self = .methodNotAllowed(allowed: ["OPTIONS", "GET", "HEAD"])
    case .format(let accepted): self = .mediaType(accepted: MediaType.accepted(accepted.map(\.rawValue)))
    case .tooLarge(let limit): self = .tooLarge(limit: limit)
    case .otherDigest: self = .digestMismatch(algorithm: "sha-256", provided: [], field: "Repr-Digest")
    case .otherTotal: self = .inconsistentLength
    case .otherOffset(let safe): self = .wrongOffset(expected: safe, provided: -1)
    case .busy(let seconds), .windowFull(let seconds): self = .busy(retryAfter: .seconds(seconds))
    case .noRoom(.promised): self = .busy(retryAfter: .seconds(SpaceShortage.retryAfter))
    case .quota, .noRoom(.share): self = .quota
    case .away: self = .busy(retryAfter: .seconds(5))
    case .superseded: self = .superseded
    case .full, .noRoom(.full), .noRoom(.tooLittle): self = .storageFull
    case .storage: self = .storageFailed
    case .backend: self = .backendFailed
    case .broken: self = .gone
    case .shutdown: self = .shuttingDown
    }
  }

  init(_ failure: UploadFailure) {
    switch failure {
    case .full: self = .storageFull
    case .storage: self = .storageFailed
    case .outgrown(let refusal): self.init(refusal)
    case .digest(let computed):
      self = .digestMismatch(algorithm: "sha-256", provided: computed.bytes, field: "Repr-Digest")
    case .content(let fault): self = .contentRefused(offset: fault.offset)
    case .rejected: self = .contentRefused(offset: nil)
    case .backend: self = .backendFailed
    case .backendTimeout: self = .backendTimeout
    }
  }
}

extension HTTPProblem {
  init(slowness: StopReason) {
    self = slowness == .silence ? .requestTimeout : .tooSlow(slowness.logDescription)
  }
}

extension UploadAccount {
  /// How the upload stands, for resumable uploads.
  var resumableState: ResumableState { ResumableState(offset: safe, isComplete: state == .done, length: total) }

  /// How the upload stands, for tus.
  var tusState: TusState {
    let isFinal = facts?.role.isFinal == true
    return TusState(
      offset: safe, length: total ?? (state == .done ? safe : nil), metadata: facts?.metadata[tusMetadataName],
      concat: facts?.role == .part ? TusConcat.partial.text : facts?.metadata[tusConcatName], isFinal: isFinal,
      awaitsParts: isFinal && state == .open)
  }

  /// When the upload is dropped, in seconds since 1970.
  var expires: Int64? { expiresAt.map { $0.milliseconds / 1000 } }
}

/// Under what name tus's metadata stand among an upload's own, byte for byte as they came.
let tusMetadataName = "tus"

/// Under what name stands what tus's client said an upload is made of, byte for byte as it came.
let tusConcatName = "tus-concat"

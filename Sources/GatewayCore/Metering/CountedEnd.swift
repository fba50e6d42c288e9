/// How a connection's part in an upload ended, as it is counted: a status, and a reason within it.
package struct CountedEnd: Hashable, Sendable {
  /// What it comes to.
  package enum Status: String, Hashable, CaseIterable, Sendable {
    /// All of it is safe and in its place.
    case complete
    /// An earlier connection had brought all of it.
    case known
    /// It can be resumed.
    case left
    /// It ended after its offer.
    case failed
    /// There was no offer.
    case refused
  }

  /// What it comes to.
  package let status: Status
  /// A word; empty where there is nothing to say.
  package let reason: String
  /// Its place among ``all``.
  let index: Int

  /// All that there are.
  package static let all: [CountedEnd] = {
    var all: [CountedEnd] = []
    func add(_ status: Status, _ reason: String) {
      all.append(CountedEnd(status: status, reason: reason, index: all.count))
    }
    add(.complete, "")
    add(.known, "")
    for reason in StopReason.allCases { add(.left, reason.word) }
    for kind in UploadFailure.Kind.allCases { add(.failed, kind.word) }
    for kind in Refusal.Kind.allCases { add(.refused, kind.word) }
    return all
  }()

  private static let firstLeft = 2
  private static let firstFailed = firstLeft + StopReason.allCases.count
  private static let firstRefused = firstFailed + UploadFailure.Kind.allCases.count

  /// - Parameter stopReason: why it was left, if it was.
  init?(_ last: UploadEvent, stopReason: StopReason?) {
    let index: Int
    switch last {
    case .complete: index = 0
    case .alreadyComplete: index = 1
    case .suspended: index = Self.firstLeft + (stopReason ?? .clientGone).index
    case .failed(let failure, _): index = Self.firstFailed + failure.kind.rawValue
    case .refused(let refusal): index = Self.firstRefused + refusal.kind.rawValue
    case .offered, .paused, .resumed, .safe, .superseded, .unauthorized: return nil
    }
    self = Self.all[index]
  }

  private init(status: Status, reason: String, index: Int) {
    (self.status, self.reason, self.index) = (status, reason, index)
  }
}

extension StopReason {
  /// Its name as Prometheus and JSON have it: `client_gone`.
  package var word: String { rawValue.snakeCased }

  /// Small enough to be found by looking.
  fileprivate var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension UploadFailure {
  /// What it is counted as.
  package enum Kind: Int, CaseIterable, Sendable {
    case full, storage, outgrown, digest, content, rejected, backend, backendTimeout

    /// Its name as Prometheus and JSON have it.
    package var word: String { "\(self)".snakeCased }
  }

  /// What it is counted as.
  package var kind: Kind {
    switch self {
    case .full: .full
    case .storage: .storage
    case .outgrown: .outgrown
    case .digest: .digest
    case .content: .content
    case .rejected: .rejected
    case .backend: .backend
    case .backendTimeout: .backendTimeout
    }
  }
}

extension Refusal {
  /// What it is counted as.
  package enum Kind: Int, CaseIterable, Sendable {
    case noRoute, unauthorized, declined, shape, format, tooLarge, unknownUpload, otherDigest, otherTotal, otherOffset,
      busy,
      quota
    case windowFull, superseded, full, noRoom, storage, away, backend, broken, shutdown

    /// Its name as Prometheus and JSON have it.
    package var word: String { "\(self)".snakeCased }
  }

  /// What it is counted as.
  package var kind: Kind {
    switch self {
    case .noRoute: .noRoute
    case .unauthorized: .unauthorized
    case .declined: .declined
    case .shape: .shape
    case .format: .format
    case .tooLarge: .tooLarge
    case .unknownUpload: .unknownUpload
    case .otherDigest: .otherDigest
    case .otherTotal: .otherTotal
    case .otherOffset: .otherOffset
    case .busy: .busy
    case .quota: .quota
    case .windowFull: .windowFull
    case .superseded: .superseded
    case .full: .full
    case .noRoom: .noRoom
    case .storage: .storage
    case .away: .away
    case .backend: .backend
    case .broken: .broken
    case .shutdown: .shutdown
    }
  }
}

extension String {
  /// `clientGone` as `client_gone`.
  fileprivate var snakeCased: String {
    reduce(into: "") { $0 += $1.isUppercase ? "_" + $1.lowercased() : String($1) }
  }
}

import Histogram

/// What was counted and timed, by one event loop or by all together.
struct Tally: Sendable {
  /// Times in microseconds, with three significant digits.
  typealias Times = Histogram<UInt64>

  var totals = LoadReport.Totals()
  var connect = Times()
  var offer = Times()
  var final = Times()
  var upload = Times()
  var slip = Times()
  /// By ``SizeClasses``.
  var sizes: [Int: SizeTally] = [:]
  var errors = SetbackCounts()
  /// What uploads went on after.
  var setbacks = SetbackCounts()
  var faults: [FaultKind: FaultTally] = [:]
  var checks: [CheckKind: CheckTally] = [:]
  var uploads = UploadBook()

  struct SizeTally: Sendable {
    var bytes: Int64 = 0
    var times = Times(numberOfSignificantValueDigits: .two)
  }

  struct FaultTally: Sendable {
    var done = 0
    var asExpected = 0
    var unexpected = 0
    var notPossible = 0
    var example: String?
  }

  struct CheckTally: Sendable {
    var checked = 0
    var violations = 0
    var example: String?
  }

  mutating func add(_ other: Tally) {
    totals.add(other.totals)
    connect.add(other.connect)
    offer.add(other.offer)
    final.add(other.final)
    upload.add(other.upload)
    slip.add(other.slip)
    for (size, theirs) in other.sizes {
      sizes[size, default: SizeTally()].bytes += theirs.bytes
      sizes[size, default: SizeTally()].times.add(theirs.times)
    }
    errors.add(other.errors)
    setbacks.add(other.setbacks)
    for (fault, theirs) in other.faults {
      var ours = faults[fault] ?? FaultTally()
      ours.done += theirs.done
      ours.asExpected += theirs.asExpected
      ours.unexpected += theirs.unexpected
      ours.notPossible += theirs.notPossible
      ours.example = ours.example ?? theirs.example
      faults[fault] = ours
    }
    for (check, theirs) in other.checks {
      var ours = checks[check] ?? CheckTally()
      ours.checked += theirs.checked
      ours.violations += theirs.violations
      ours.example = ours.example ?? theirs.example
      checks[check] = ours
    }
    uploads.add(other.uploads)
  }
}

/// What is held against the protocol.
enum CheckKind: String, Sendable, CaseIterable {
  case final, offset, digest, account

  /// For a person.
  var meaning: String {
    switch self {
    case .final: "each final packet or answer fits what was offered and sent"
    case .offset: "acknowledged offsets never go back or pass what was sent"
    case .digest: "the digest of a final is that of the bytes"
    case .account: "the gateway's ledger has what the client was told"
    }
  }
}

extension LoadReport.Totals {
  mutating func add(_ other: LoadReport.Totals) {
    begun += other.begun
    completed += other.completed
    faulted += other.faulted
    failed += other.failed
    unfinished += other.unfinished
    missed += other.missed
    completedBytes += other.completedBytes
    sentBytes += other.sentBytes
    connections += other.connections
    resumedHandshakes += other.resumedHandshakes
    retries += other.retries
    resumes += other.resumes
    progressPackets += other.progressPackets
    errors += other.errors
  }
}

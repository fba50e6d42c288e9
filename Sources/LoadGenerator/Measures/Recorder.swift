import Histogram
import NIOCore

/// Counts and times what happens on one event loop, to which it is confined.
final class Recorder {
  private(set) var tally = Tally()
  private var second = SecondTally()

  /// What happened since the last call; with what is under way.
  func takeSecond(open: Int, waiting: Int) -> SecondTally {
    var taken = SecondTally()
    swap(&taken, &second)
    taken.open = open
    taken.waiting = waiting
    return taken
  }

  // MARK: Uploads

  func began(slip: TimeAmount?) {
    tally.totals.begun += 1
    second.begun += 1
    if let slip { tally.slip.record(slip) }
  }

  /// An upload had status 0.
  ///
  /// - Parameter time: nil for one with a fault.
  func completed(size: Int64, time: TimeAmount?) {
    tally.totals.completed += 1
    tally.totals.completedBytes += size
    second.completed += 1
    second.completedBytes += size
    guard let time else { return }
    tally.upload.record(time)
    second.times.record(time)
    let index = SizeClasses.index(of: size)
    tally.sizes[index, default: Tally.SizeTally()].bytes += size
    tally.sizes[index, default: Tally.SizeTally()].times.record(time)
  }

  func faulted() {
    tally.totals.faulted += 1
  }

  func failed(_ setback: Setback) {
    tally.totals.failed += 1
    note(setback)
  }

  /// The run ended with an upload under way.
  ///
  /// - Parameter isError: whether it had all the time that it should have had.
  func unfinished(isError: Bool) {
    tally.totals.unfinished += 1
    if isError { note(.unfinished) }
  }

  /// The run ended before an upload that was due had its turn.
  func missed(isError: Bool) {
    tally.totals.missed += 1
    if isError { note(.missed) }
  }

  private func note(_ setback: Setback) {
    tally.totals.errors += 1
    second.errors += 1
    tally.errors.note(setback)
  }

  func setBack(_ setback: Setback, resumes: Bool) {
    tally.setbacks.note(setback)
    if resumes { tally.totals.resumes += 1 } else { tally.totals.retries += 1 }
  }

  func resumed() {
    tally.totals.resumes += 1
  }

  // MARK: On the way

  func connected(isResumed: Bool) {
    tally.totals.connections += 1
    if isResumed { tally.totals.resumedHandshakes += 1 }
  }

  func sent(_ count: Int) {
    tally.totals.sentBytes += Int64(count)
    second.sentBytes += Int64(count)
  }

  func progressed() {
    tally.totals.progressPackets += 1
    checkedOffset()
  }

  func connect(_ time: TimeAmount) { tally.connect.record(time) }
  func offer(_ time: TimeAmount) { tally.offer.record(time) }
  func final(_ time: TimeAmount) { tally.final.record(time) }

  // MARK: Faults and checks

  func fault(_ kind: FaultKind, _ change: (inout Tally.FaultTally) -> Void) {
    change(&tally.faults[kind, default: Tally.FaultTally()])
  }

  func checkedOffset() { tally.checks[.offset, default: Tally.CheckTally()].checked += 1 }

  func checked(_ kind: CheckKind) { tally.checks[kind, default: Tally.CheckTally()].checked += 1 }

  func broken(_ violation: Setback.Violation) {
    let (kind, text): (CheckKind, String) =
      switch violation {
      case .offset(let text): (.offset, text)
      case .digest(let text): (.digest, text)
      case .final(let text): (.final, text)
      }
    tally.checks[kind, default: Tally.CheckTally()].violations += 1
    if tally.checks[kind]?.example == nil { tally.checks[kind]?.example = text }
  }

  func book(_ change: (inout UploadBook) -> Void) { change(&tally.uploads) }
}

extension Tally.Times {
  /// Records a time, which counts as at least nothing.
  mutating func record(_ time: TimeAmount) {
    record(UInt64(Swift.max(0, time.nanoseconds) / 1000))
  }
}

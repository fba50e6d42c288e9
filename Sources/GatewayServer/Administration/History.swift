import GatewayCore
import Metrics
import NIOCore
import Synchronization

/// What a gateway did in the last hour, in steps of ten seconds.
final class History: Sendable {
  /// One step.
  struct Step: Sendable {
    var bytes = 0
    var complete = 0
    var failed = 0
    var refused = 0
  }

  static let every = TimeAmount.seconds(10)
  private static let most = 360

  private struct State {
    var steps: [Step] = []
    var last: Step?
  }

  private let state = Mutex(State())

  /// The oldest first.
  var steps: [Step] { state.withLock { $0.steps } }

  /// Notes what has come since the last time.
  func look(at gateway: Gateway) {
    var now = Step()
    for (_, meters, _) in gateway.meters {
      now.bytes += meters.received.value
      for outcome in CountedEnd.all {
        let count = meters.ends(as: outcome)
        switch outcome.status {
        case .complete: now.complete += count
        case .failed: now.failed += count
        case .refused: now.refused += count
        case .known, .left: break
        }
      }
      for kind in Refusal.Kind.allCases { now.refused += meters.refusals(for: kind) }
    }
    state.withLock { [now] state in
      defer { state.last = now }
      guard let last = state.last else { return }
      if state.steps.count == Self.most { state.steps.removeFirst() }
      state.steps.append(
        Step(
          bytes: now.bytes - last.bytes, complete: now.complete - last.complete, failed: now.failed - last.failed,
          refused: now.refused - last.refused))
    }
  }
}

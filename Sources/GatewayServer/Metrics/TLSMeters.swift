import Metrics
import NIOCore
import TLSTransport

/// Counts handshakes, on whatever event loop they are.
final class TLSMeters: TLSObserver {
  /// Why a handshake failed.
  enum Failure: String, CaseIterable {
    case untrusted, timeout, closed, violation, flooded, `protocol`
  }

  let modern = Counter(), modernResumed = Counter()
  let older = Counter(), olderResumed = Counter()
  let durations = Buckets(.seconds([1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4]))
  private let failures = Failure.allCases.map { _ in Counter() }

  func handshakeCompleted(_ handshake: TLSHandshakeReport) {
    let isModern = handshake.protocolVersion == "TLSv1.3"
    switch (isModern, handshake.isResumed) {
    case (true, false): modern.add()
    case (true, true): modernResumed.add()
    case (false, false): older.add()
    case (false, true): olderResumed.add()
    }
    durations.add(handshake.duration.nanoseconds)
  }

  func handshakeFailed(_ error: TLSError, after duration: TimeAmount) {
    let failure: Failure =
      switch error {
      case .untrustedCertificate: .untrusted
      case .handshakeTimeout: .timeout
      case .closedDuringHandshake, .truncated: .closed
      case .protocolViolation: .violation
      case .flooded: .flooded
      case .handshake: .protocol
      }
    counter(failure).add()
  }

  /// What failed for that reason.
  func counter(_ failure: Failure) -> Counter { failures[Failure.allCases.firstIndex(of: failure) ?? 0] }
}

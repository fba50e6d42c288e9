package import GatewayCore
package import NIOCore

/// Knows what a connection waits for, and until when. Has no clock and no timer: both are the handler's.
package struct ClientWatch {
  /// What the connection waits for.
  package enum Phase: Equatable {
    /// A packet.
    case idle
    /// The rest of a head. Bytes do not prolong it: a head that drips is no reason to wait.
    case head
    /// Bytes of the body. Each prolongs it.
    case body
    /// Something of the gateway's own.
    case ownWork
    /// The client's end, after the last packet was sent.
    case draining
  }

  /// How long the client has to see the last packet before the connection is cut.
  static let drain = TimeAmount.seconds(2)

  private let timeouts: FrontTimeouts
  private(set) var phase = Phase.idle
  private var since: NIODeadline
  private var unwritableSince: NIODeadline?
  private var allowance: BodyAllowance

  init(timeouts: FrontTimeouts, now: NIODeadline) {
    self.timeouts = timeouts
    self.since = now
    self.allowance = BodyAllowance(timeouts)
  }

  mutating func enter(_ phase: Phase, now: NIODeadline) {
    guard phase != self.phase else { return }
    self.phase = phase
    since = now
    allowance.run(phase == .body, now: now)
  }

  /// Another body is asked for.
  mutating func beginBody(now: NIODeadline) { allowance.beginBody(now: now) }

  /// Bytes of a body have arrived.
  mutating func received(_ count: Int, now: NIODeadline) {
    guard phase == .body else { return }
    since = now
    allowance.received(count, now: now)
  }

  mutating func writability(isWritable: Bool, now: NIODeadline) {
    unwritableSince = isWritable ? nil : unwritableSince ?? now
  }

  package enum Verdict: Equatable {
    /// Look again then.
    case lookAgain(NIODeadline)
    /// Nothing to wait for in this phase.
    case never
    case close
    case headTooSlow
    case silent
    /// Fewer bytes came than ``FrontTimeouts/progress`` wants.
    case tooSlow
    /// The body took longer than ``FrontTimeouts/upload``.
    case tookTooLong

    /// Why an upload is stopped; `nil` where it is not about bytes of a body.
    package var slowness: StopReason? {
      switch self {
      case .silent: .silence
      case .tooSlow: .tooSlow
      case .tookTooLong: .tookTooLong
      case .lookAgain, .never, .close, .headTooSlow: nil
      }
    }
  }

  func verdict(now: NIODeadline) -> Verdict {
    let unreadDeadline = unwritableSince.map { $0 + timeouts.silence }
    if let unreadDeadline, unreadDeadline <= now { return .close }
    if let ownDeadline, ownDeadline <= now {
      switch phase {
      case .idle, .draining, .ownWork: return .close
      case .head: return .headTooSlow
      case .body: return .silent
      }
    }
    let bodyEnd = allowance.end
    if let bodyEnd, bodyEnd.deadline <= now { return bodyEnd.of == .progress ? .tooSlow : .tookTooLong }
    // Never a time that is over: whoever looks again then would do nothing else.
    return [unreadDeadline, ownDeadline, bodyEnd?.deadline].compactMap { $0 }.min().map { .lookAgain($0) } ?? .never
  }

  private var ownDeadline: NIODeadline? {
    switch phase {
    case .idle: since + timeouts.idle
    case .head: since + timeouts.head
    case .body: since + timeouts.silence
    case .draining: since + Self.drain
    case .ownWork: nil
    }
  }
}

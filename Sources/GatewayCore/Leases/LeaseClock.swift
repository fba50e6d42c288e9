import NIOCore

/// Decides when a gateway's lease is to be prolonged, and when it has run out here. Has no I/O and no clock.
///
/// The lease lasts by the ledger's clock from when the ledger got the call; here it lasts from before the call was sent, and a
/// little less, so that it is over here before anybody else can take what it covers.
struct LeaseClock {
  /// How long the ledger is asked for.
  static let timeToLive = TimeAmount.seconds(15)
  /// What it is shorter here.
  static let margin = TimeAmount.seconds(1)
  static let renewEvery = TimeAmount.seconds(5)
  /// How often somebody looks whether others wait, and whether it is time for anything.
  static let lookEvery = TimeAmount.seconds(1)

  private var deadline: NIODeadline?
  private var lastAsked: NIODeadline?
  private var isAsking = false
  private var hasSaidSo = true

  /// Until when bytes may be written and acknowledged; `nil` before the first.
  var end: NIODeadline? { deadline }

  enum Step: Equatable {
    /// The lease is to be prolonged.
    case prolong
    /// It runs; there is time to look who waits.
    case look
    /// A call is on its way.
    case wait
  }

  struct Tick: Equatable {
    var step: Step
    /// Whether the lease has run out since the last look.
    var hasRunOut: Bool
  }

  mutating func tick(at now: NIODeadline) -> Tick {
    let hasRunOut = noteEnd(at: now)
    if isAsking { return Tick(step: .wait, hasRunOut: hasRunOut) }
    // Where the last call failed, at once again.
    guard let lastAsked, let deadline, now < deadline, now < lastAsked + Self.renewEvery else {
      isAsking = true
      return Tick(step: .prolong, hasRunOut: hasRunOut)
    }
    return Tick(step: .look, hasRunOut: hasRunOut)
  }

  /// The ledger has prolonged it.
  ///
  /// - Parameter sent: when the call was made.
  mutating func prolonged(sentAt sent: NIODeadline) {
    isAsking = false
    lastAsked = sent
    deadline = sent + (Self.timeToLive - Self.margin)
    hasSaidSo = false
  }

  /// The ledger could not be asked.
  mutating func failed() {
    isAsking = false
    lastAsked = nil
  }

  /// The ledger says that it has run out there.
  ///
  /// - Returns: whether that is news here.
  mutating func ranOut() -> Bool {
    deadline = nil
    defer { hasSaidSo = true }
    return !hasSaidSo
  }

  private mutating func noteEnd(at now: NIODeadline) -> Bool {
    guard !hasSaidSo, let deadline, now >= deadline else { return false }
    hasSaidSo = true
    return true
  }
}

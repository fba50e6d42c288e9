/// Decides when one target's events are sent, and what becomes of those that were sent in vain. It does nothing by itself:
/// it is told what happened, and says what to do next.
///
/// What waits is in the ledger; here is only what is on its way. Of each upload that is one event at most, which keeps their
/// order. After a few failures in a row the target is taken for one that is down: it gets one event at a time, and pauses
/// grow; the first that it takes makes all that wait due at once.
package struct DeliveryMachine: Sendable {
  /// How a target is dealt with.
  package struct Terms: Hashable, Sendable {
    /// Events on their way at once, 1 or more.
    package var atOnce: Int
    /// An event is a dead letter after so many tries in vain.
    package var tries: Int
    /// And so long after the first of them, in milliseconds.
    package var giveUpAfter: Int64

    /// All of it.
    package init(atOnce: Int, tries: Int, giveUpAfter: Int64) {
      self.atOnce = atOnce
      self.tries = tries
      self.giveUpAfter = giveUpAfter
    }
  }

  /// What to do now.
  package enum Step: Hashable, Sendable {
    /// Ask the ledger for so many events at most, besides those that are on their way, and tell ``claimed(_:asked:)``.
    case claim(limit: Int, besides: Set<String>)
    /// Nothing for so many milliseconds; then ask again.
    case wait(Int64)
    /// Nothing until something is told.
    case rest
  }

  /// What a target made of an event.
  package enum Outcome: Hashable, Sendable {
    /// It has it.
    case taken
    /// It has it not, or did not say so. `retryAfter` is how long it wants to be left alone, in milliseconds.
    case refused(reason: String, retryAfter: Int64? = nil)
  }

  /// What to tell the ledger.
  package enum Verdict: Hashable, Sendable {
    /// It was delivered. `hastens`: all others of the target are due at once.
    case delivered(hastens: Bool)
    /// It was not.
    case failed(EventFailure)
  }

  /// Whoever changes the ledger from outside does not tell; so long may they wait at most, in milliseconds.
  package static let lookEvery: Int64 = 5000
  /// In milliseconds; doubled at each try.
  static let firstWait: Int64 = 1000
  /// The longest time between two tries of an event, in milliseconds.
  package static let longestWait: Int64 = 3_600_000
  /// The longest pause of a target that is down, in milliseconds.
  static let longestPause: Int64 = 30_000
  /// So many failures in a row make a target one that is down.
  static let failuresUntilDown = 3

  /// May change at any moment.
  package var terms: Terms
  private(set) var underway: Set<String> = []
  private var isClaiming = false
  /// Whether there may be something due that the ledger was not asked for.
  private var mayHaveMore = true
  private var nextDue: WallTime?
  private var failures = 0
  private var pausedUntil: WallTime?

  /// Nothing is on its way yet.
  package init(_ terms: Terms) {
    self.terms = terms
  }

  /// Whether nothing is on its way.
  package var isIdle: Bool { underway.isEmpty && !isClaiming }

  /// Whether the target is taken for one that is down.
  package var isDown: Bool { failures >= Self.failuresUntilDown }

  /// There may be something new.
  package mutating func look() { mayHaveMore = true }

  /// What to do now.
  package mutating func next(at now: WallTime) -> Step {
    guard !isClaiming else { return .rest }
    let room = (isDown ? 1 : terms.atOnce) - underway.count
    guard room > 0 else { return .rest }
    // A clock that was set back must not make a pause longer than it can be.
    if let pausedUntil, pausedUntil > now,
      pausedUntil <= now.advanced(byMilliseconds: max(Self.longestPause, Self.longestWait))
    {
      return .wait(pausedUntil.milliseconds - now.milliseconds)
    }
    pausedUntil = nil
    if let nextDue, nextDue <= now { mayHaveMore = true }
    guard mayHaveMore else {
      let due = nextDue.map { $0.milliseconds - now.milliseconds } ?? .max
      return .wait(min(due, Self.lookEvery))
    }
    isClaiming = true
    mayHaveMore = false
    return .claim(limit: room, besides: underway)
  }

  /// What the ledger has, of `asked` at most.
  ///
  /// - Returns: what to send now.
  package mutating func claimed(_ batch: EventBatch, asked: Int) -> [Event] {
    isClaiming = false
    if batch.events.count >= asked { mayHaveMore = true }
    nextDue = batch.nextDue
    let new = batch.events.filter { !underway.contains($0.id) }
    underway.formUnion(new.map(\.id))
    return new
  }

  /// The ledger did not answer.
  package mutating func claimFailed(at now: WallTime) {
    isClaiming = false
    mayHaveMore = true
    pausedUntil = now.advanced(byMilliseconds: Self.firstWait)
  }

  /// What came of an event. It stays on its way until ``settled(_:)``.
  ///
  /// - Parameter chance: from 0 to 1: spreads tries that would else come together.
  package mutating func ended(_ event: Event, _ outcome: Outcome, at now: WallTime, chance: Double) -> Verdict {
    switch outcome {
    case .taken:
      let wasDown = isDown
      failures = 0
      pausedUntil = nil
      return .delivered(hastens: wasDown)
    case .refused(let reason, let retryAfter):
      failures += 1
      let asked = min(max(0, retryAfter ?? 0), Self.longestWait)
      if isDown {
        let pause = min(Self.longestPause, Self.firstWait << Int64(min(failures - Self.failuresUntilDown, 10)))
        pausedUntil = now.advanced(byMilliseconds: max(pause, asked))
      }
      let tries = event.tries + 1
      let isOver =
        tries >= terms.tries || now.milliseconds - event.since.milliseconds >= terms.giveUpAfter
      let longest = min(Self.longestWait, Self.firstWait << Int64(min(tries - 1, 20)))
      let wait = max(asked, longest / 2 + Int64(Double(longest / 2) * min(max(chance, 0), 1)))
      return .failed(
        EventFailure(
          id: event.id, target: event.target, tries: tries,
          consequence: isOver ? .dead(at: now) : .postponed(until: now.advanced(byMilliseconds: wait)), reason: reason))
    }
  }

  /// The ledger has recorded what came of it, or could not: in that case it is sent again.
  package mutating func settled(_ id: String) {
    underway.remove(id)
    // The next one of the same upload may go now.
    mayHaveMore = true
  }
}

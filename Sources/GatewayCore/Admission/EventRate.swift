import Synchronization

/// So many events a second, and as many at once as one second has: a bucket that leaks evenly (ITU-T I.371, GCRA). Has no
/// clock: the caller says when it is, in nanoseconds.
package struct EventRate: Sendable {
  private static let second: Int64 = 1_000_000_000
  /// When all that was taken is paid for.
  private var paidAt: Int64

  /// One that nobody has taken anything of.
  package init(now: Int64) {
    paidAt = now
  }

  /// Takes one event, if there is one.
  ///
  /// - Parameter perSecond: above 0.
  /// - Returns: 0 where it was taken; else how many nanoseconds from now there is one.
  package mutating func take(perSecond: Int, now: Int64) -> Int64 {
    let wait = waitAfterOne(perSecond, now)
    if wait == 0 { pay(perSecond, now) }
    return wait
  }

  /// Takes one event, which may have to wait for those before it.
  ///
  /// - Parameter longest: in nanoseconds.
  /// - Returns: how many nanoseconds from now it may happen; `nil` where that is longer, and nothing is taken.
  package mutating func reserve(perSecond: Int, now: Int64, longest: Int64) -> Int64? {
    let wait = waitAfterOne(perSecond, now)
    guard wait <= longest else { return nil }
    pay(perSecond, now)
    return wait
  }

  /// Whether it is as if nobody had ever taken anything.
  package func isFull(at now: Int64) -> Bool { paidAt <= now }

  private func waitAfterOne(_ perSecond: Int, _ now: Int64) -> Int64 {
    max(0, max(paidAt, now) + Self.second / Int64(perSecond) - now - Self.second)
  }

  private mutating func pay(_ perSecond: Int, _ now: Int64) {
    paidAt = max(paidAt, now) + Self.second / Int64(perSecond)
  }
}

/// An ``EventRate`` for each of many clients. Remembers no more of them than ``most``: what comes beyond that shares one.
package final class EventRates<Client: Hashable & Sendable>: Sendable {
  private struct State {
    var ofClient: [Client: EventRate] = [:]
    var ofOthers: EventRate?
    var nextSweep = Int64.min
  }

  /// Clients that are told apart: some 2 MiB of them.
  package static var most: Int { 16_384 }
  /// Full buckets are looked for no more often, in nanoseconds, however many clients come.
  private static var sweepEvery: Int64 { 250_000_000 }

  private let state = Mutex(State())

  package init() {}

  /// As ``EventRate/take(perSecond:now:)``.
  package func take(_ client: Client, perSecond: Int, now: Int64) -> Int64 {
    state.withLock { state in
      if let rate = state.ofClient[client] {
        var rate = rate
        defer { state.ofClient[client] = rate }
        return rate.take(perSecond: perSecond, now: now)
      }
      if state.ofClient.count >= Self.most, now >= state.nextSweep {
        state.nextSweep = now + Self.sweepEvery
        state.ofClient = state.ofClient.filter { !$0.value.isFull(at: now) }
      }
      var rate = EventRate(now: now)
      guard state.ofClient.count < Self.most else {
        rate = state.ofOthers ?? rate
        defer { state.ofOthers = rate }
        return rate.take(perSecond: perSecond, now: now)
      }
      defer { state.ofClient[client] = rate }
      return rate.take(perSecond: perSecond, now: now)
    }
  }

  /// Forgets those who have taken nothing for so long that a new one would be the same.
  package func forgetFull(at now: Int64) {
    state.withLock { state in
      state.ofClient = state.ofClient.filter { !$0.value.isFull(at: now) }
      if state.ofOthers?.isFull(at: now) == true { state.ofOthers = nil }
    }
  }

  /// How many are remembered.
  package var count: Int { state.withLock { $0.ofClient.count } }
}

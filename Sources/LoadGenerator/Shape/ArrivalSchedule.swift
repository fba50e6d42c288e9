/// The moments at which one event loop's uploads of an open loop are due, in seconds since the run began.
///
/// Several loops share a schedule: evenly spread uploads go to them in turn, independent ones to each at its share of
/// the rate, which together are as independent as before.
struct ArrivalSchedule: Sendable {
  private let levels: Levels
  private let arrivals: Scenario.Arrivals
  private let step: Double
  private var sum: Double
  private var random: SeededRandom

  init(_ levels: Levels, _ arrivals: Scenario.Arrivals, seed: UInt64, worker: Int, of workers: Int) {
    self.levels = levels
    self.arrivals = arrivals
    step = Double(workers)
    random = SeededRandom(seed: seed, series: .max - UInt64(worker))
    sum = arrivals == .even ? Double(worker) : random.exponential() * step
  }

  /// The next moment; nil when there are no more.
  mutating func next() -> Double? {
    guard let time = levels.time(ofSum: sum) else { return nil }
    sum += arrivals == .even ? step : random.exponential() * step
    return time
  }
}

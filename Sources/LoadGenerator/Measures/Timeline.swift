/// The run second by second.
struct Timeline: Sendable {
  private(set) var entries: [LoadReport.Second] = []
  private var cpuSeconds: Double

  init(_ usage: ProcessUsage) {
    cpuSeconds = usage.cpuSeconds
  }

  /// Adds what happened up to the begin of a second.
  ///
  /// - Returns: the new entries. Seconds that nobody asked in, because the generator itself stood still, are empty.
  mutating func append(_ tally: SecondTally, untilSecond second: Int) -> ArraySlice<LoadReport.Second> {
    let first = entries.count
    guard second > first else {
      // Less than a second after the last entry.
      return []
    }
    while entries.count < second - 1 { entries.append(LoadReport.Second(second: entries.count)) }
    let cpu = ProcessUsage.now().cpuSeconds
    entries.append(tally.report(second: second - 1, cpuSeconds: cpu - cpuSeconds))
    cpuSeconds = cpu
    return entries[first...]
  }
}

/// Times one thing again and again, and prints what it takes.
struct Stopwatch {
  /// Only what has this in its name is measured.
  var filter: String?
  /// Of each thing, in seconds.
  var patience = Duration.milliseconds(1500)

  private let clock = ContinuousClock()

  init(filter: String?) {
    self.filter = filter
    let titles = ["median".leftPadded(12), "fastest".leftPadded(12), "samples".leftPadded(9), "MiB/s".leftPadded(9)]
    print(titles.joined())
  }

  /// Measures `body`, which says how much of its time counts: it may prepare things before.
  ///
  /// - Parameters:
  ///   - name: what is printed.
  ///   - bytes: that one call deals with; 0 where that says nothing.
  ///   - repeats: how many of the thing one call does. A call should take some microseconds, or the clock is measured.
  func measure(_ name: String, bytes: Int = 0, repeats: Int = 1, _ body: () throws -> Duration) rethrows {
    if let filter, !name.contains(filter) { return }
    for _ in 0..<3 { _ = try body() }
    var samples: [Duration] = []
    let end = clock.now.advanced(by: patience)
    while clock.now < end || samples.count < 5 { samples.append(try body()) }
    samples.sort()
    let (median, fastest) = (samples[samples.count / 2], samples[0])
    let seconds: Double = median / .seconds(1)
    let rate = bytes == 0 ? "" : String(Int(Double(bytes) / 1_048_576 / seconds))
    let columns = [
      (median / repeats).shown.leftPadded(12), (fastest / repeats).shown.leftPadded(12),
      String(samples.count).leftPadded(9), rate.leftPadded(9), "  ", name,
    ]
    print(columns.joined())
  }

  /// How long `body` takes.
  func time(_ body: () throws -> Void) rethrows -> Duration { try clock.measure(body) }
}

extension Duration {
  fileprivate var shown: String {
    let nanoseconds = self / .nanoseconds(1)
    return nanoseconds < 10_000 ? "\(Int(nanoseconds)) ns" : "\(Int(nanoseconds / 1000)) µs"
  }
}

extension String {
  fileprivate func leftPadded(_ width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}

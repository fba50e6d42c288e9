import Histogram

/// What came of a run, before it is held against thresholds and the gateway's account.
package struct LoadResult: Sendable {
  let scenario: Scenario
  let tool: String
  let startedAt: Int64
  let seconds: Double
  let isInterrupted: Bool
  var tally: Tally
  let timeline: [LoadReport.Second]
  let usage: ProcessUsage
  var warnings: [String]
  var account: LoadReport.Account?

  /// Everything, with the verdict.
  package func report() -> LoadReport {
    let latency = latencies
    let generator = generator(slip: scenario.loop == .open ? Distribution(tally.slip) : nil)
    let figures = Figures(tally: tally, upload: upload, seconds: seconds, load: generator.load)
    let thresholds = scenario.thresholds.map(figures.result) + figures.unspoken(scenario.thresholds)
    let verdict: LoadReport.Verdict =
      isInterrupted ? .interrupted : thresholds.allSatisfy(\.isMet) ? .passed : .failed
    return LoadReport(
      tool: tool, name: scenario.name, purpose: scenario.purpose, startedAt: startedAt, seconds: seconds,
      verdict: verdict, shape: LoadReport.Shape(scenario), totals: tally.totals, latency: latency, timeline: timeline,
      sizes: sizes, errors: tally.errors.report, setbacks: tally.setbacks.report, faults: faults, checks: checks,
      account: account, generator: generator, thresholds: thresholds,
      warnings: warnings + Self.warnings(of: generator, slip: tally.slip))
  }

  /// The whole uploads, corrected where that can be done.
  private var upload: Distribution {
    if scenario.loop == .open { return Distribution(tally.upload, correction: .intendedStart) }
    guard scenario.isUniform, tally.upload.totalCount > 0 else { return Distribution(tally.upload) }
    return Distribution(tally.upload, filledInAt: max(1, tally.upload.valueAtPercentile(50)))
  }

  private var latencies: LoadReport.Latencies {
    LoadReport.Latencies(
      connect: Distribution(tally.connect).report,
      offer: Distribution(tally.offer, correction: scenario.loop == .open ? .intendedStart : .none).report,
      final: Distribution(tally.final).report, upload: upload.report)
  }

  private var sizes: [LoadReport.SizeClass] {
    tally.sizes.sorted { $0.key < $1.key }.map { index, size in
      let range = SizeClasses.range(index)
      return LoadReport.SizeClass(
        from: range.from, to: range.to, completed: Int(size.times.totalCount), bytes: size.bytes,
        p50: Double(size.times.valueAtPercentile(50)) / 1e6, p99: Double(size.times.valueAtPercentile(99)) / 1e6,
        max: Double(size.times.maxRecorded) / 1e6)
    }
  }

  private var faults: [LoadReport.FaultCount] {
    FaultKind.allCases.compactMap { kind in
      tally.faults[kind].map { fault in
        LoadReport.FaultCount(
          fault: kind, done: fault.done, asExpected: fault.asExpected, unexpected: fault.unexpected,
          notPossible: fault.notPossible, example: fault.example)
      }
    }
  }

  private var checks: [LoadReport.Check] {
    CheckKind.allCases.compactMap { kind in
      guard let check = tally.checks[kind] else { return nil }
      return LoadReport.Check(
        check: kind.rawValue, meaning: kind.meaning, checked: check.checked, violations: check.violations,
        example: check.example)
    }
  }

  private func generator(slip: Distribution?) -> LoadReport.Generator {
    let threads = scenario.connection.threads
    let load = seconds > 0 ? usage.cpuSeconds / seconds / Double(threads) : 0
    let gib = Double(tally.totals.sentBytes) / Double(1 << 30)
    return LoadReport.Generator(
      threads: threads, userSeconds: usage.userSeconds, systemSeconds: usage.systemSeconds, load: load,
      cpuSecondsPerGiB: tally.totals.sentBytes >= 1 << 20 ? usage.cpuSeconds / gib : nil, peakMemory: usage.peakMemory,
      slip: slip?.report, isBottleneck: Bottleneck.reason(load: load, slip: tally.slip) != nil)
  }

  private static func warnings(of generator: LoadReport.Generator, slip: Tally.Times) -> [String] {
    Bottleneck.reason(load: generator.load, slip: slip).map {
      ["\($0): the figures may be the generator's limit, not the server's"]
    } ?? []
  }
}

/// When the generator itself is the limit.
enum Bottleneck {
  static func reason(load: Double, slip: Tally.Times) -> String? {
    if load > 0.9 { return "the generator's threads were busy \((load * 1000).rounded() / 10) % of the run" }
    let late = slip.totalCount > 0 ? slip.valueAtPercentile(99) : 0
    if late > 10_000 { return "one upload in a hundred began more than \(late / 1000) ms after it was due" }
    return nil
  }
}

extension Scenario {
  /// Whether all uploads should take the same time, so that a longer one is an omission.
  var isUniform: Bool {
    guard uploads.count == 1, faults.isEmpty, connection.bandwidth == nil, case .fixed = uploads[0].size else {
      return false
    }
    return true
  }
}

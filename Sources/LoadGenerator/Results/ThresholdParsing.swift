import ConfigurationReading

extension Threshold {
  /// Why a text is no threshold.
  package struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, going on after the text and a colon.
    package var problem: String
    /// What to write instead.
    package var hint: String

    /// One line for a person.
    package var description: String { "\(problem); \(hint)" }
  }

  static let example = "`p99 < 250ms`, `errors = 0` or `throughput > 100 MiB/s`"

  /// Reads a threshold.
  ///
  /// - Throws: what is wrong with it.
  package init(_ text: String) throws(ParseError) {
    let name = text.prefix { !"<>=".contains($0) }.trimmed
    let rest = text.drop { !"<>=".contains($0) }
    let sign = rest.prefix { "<>=".contains($0) }
    guard !name.isEmpty, let comparison = Comparison(rawValue: String(sign)) else {
      throw ParseError(problem: "`\(text)` is not a threshold", hint: "write one such as \(Self.example)")
    }
    self.text = text
    self.comparison = comparison
    measure = try Self.measure(String(name))
    value = try Self.value(String(rest.dropFirst(sign.count).trimmed), for: measure)
  }

  private static func measure(_ name: String) throws(ParseError) -> Measure {
    switch name {
    case "throughput": return .throughput
    case "rate": return .rate
    case "error-rate": return .errorRate
    case "load": return .load
    default: break
    }
    if name.hasPrefix("status-"), let status = Int(name.dropFirst(7)), (1...999).contains(status) {
      return .status(status)
    }
    if let count = Count(rawValue: name) { return .count(count) }
    let parts = name.split(separator: "-", maxSplits: 1)
    let interval = parts.count == 2 ? Interval(rawValue: String(parts[1])) : .upload
    if let interval, let first = parts.first, let statistic = statistic(first) {
      return .latency(statistic, of: interval)
    }
    let statistics = ["min", "mean", "p50", "p90", "p99", "p99.9", "max"]
    let latencies = statistics + Interval.allCases.flatMap { of in statistics.map { "\($0)-\(of.rawValue)" } }
    let names = ["throughput", "rate", "error-rate", "load", "status-7"] + Count.allCases.map(\.rawValue) + latencies
    let hint =
      Suggestion.nearest(to: name, among: names).map { "did you mean `\($0)`?" }
      ?? "measures are \(names.prefix(14).joined(separator: ", ")), min, mean, p50 to p99.99 and max"
    throw ParseError(problem: "`\(name)` is not measured", hint: hint)
  }

  private static func statistic(_ text: Substring) -> Statistic? {
    switch text {
    case "min": return .min
    case "mean": return .mean
    case "max": return .max
    default:
      guard text.first == "p", let percent = Double(text.dropFirst()), percent > 0, percent <= 100 else { return nil }
      return .percentile(percent)
    }
  }

  private static func value(_ text: String, for measure: Measure) throws(ParseError) -> Double {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = String(text.dropFirst(digits.count).trimmed)
    let (units, expected): ([String: Double], String) =
      switch measure {
      case .latency: (["us": 1e-6, "ms": 1e-3, "s": 1, "m": 60], "a time such as `250ms` or `1.5s`")
      case .count, .status: (["": 1], "a plain number")
      case .errorRate, .load: (["%": 1], "percents such as `0.1%`")
      case .rate: (["/s": 1], "uploads a second such as `200/s`")
      case .throughput:
        (
          [
            "B/s": 1, "KiB/s": 1024, "MiB/s": 1_048_576, "GiB/s": 1_073_741_824, "KB/s": 1e3, "MB/s": 1e6, "GB/s": 1e9,
          ], "a size a second such as `100 MiB/s`"
        )
      }
    guard let number = Double(digits), number.isFinite, let factor = units[unit] else {
      throw ParseError(problem: "`\(text)` is not \(expected)", hint: "write \(expected)")
    }
    return number * factor
  }
}

extension Substring {
  var trimmed: Substring {
    var text = drop { $0 == " " }
    while text.last == " " { text.removeLast() }
    return text
  }
}

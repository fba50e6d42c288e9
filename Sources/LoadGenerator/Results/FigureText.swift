/// Figures as people read them.
package enum FigureText {
  /// Three digits and a unit: `900 µs`, `12.5 ms`, `1.25 s`, `90 s`.
  package static func time(_ seconds: Double) -> String {
    if seconds < 0.001 { return whole((seconds * 1e6).rounded()) + " µs" }
    if seconds < 1 { return digits(seconds * 1e3) + " ms" }
    return digits(seconds) + " s"
  }

  /// Three digits and a unit of powers of 1024.
  package static func size(_ bytes: Double) -> String {
    guard bytes >= 1024 else { return whole(bytes.rounded()) + " B" }
    var (value, unit) = (bytes, "B")
    for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1000 { (value, unit) = (value / 1024, next) }
    return "\(digits(value)) \(unit)"
  }

  /// Three digits, without zeros at the end.
  package static func digits(_ value: Double) -> String {
    let factor = value < 9.995 ? 100.0 : value < 99.95 ? 10 : 1
    let rounded = (value * factor).rounded() / factor
    return rounded == rounded.rounded() ? whole(rounded) : "\(rounded)"
  }

  /// Without a fraction. A result that was read from a file may have numbers beyond those of integers.
  static func whole(_ value: Double) -> String { Int64(exactly: value.rounded()).map(String.init) ?? "\(value)" }

  static func text(_ value: Double, of measure: Threshold.Measure) -> String {
    switch measure {
    case .latency: time(value)
    case .count, .status: whole(value)
    case .errorRate, .load: digits(value) + " %"
    case .throughput: size(value) + "/s"
    case .rate: digits(value) + "/s"
    }
  }
}

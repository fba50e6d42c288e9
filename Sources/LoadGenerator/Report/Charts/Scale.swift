#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Where values stand along an axis, from 0 to 1, and where it has its marks.
struct Scale {
  struct Tick {
    var position: Double
    var text: String
  }

  private let place: (Double) -> Double
  let ticks: [Tick]

  /// Within 0 and 1, whatever the value is.
  func position(_ value: Double) -> Double {
    let position = place(value)
    return position.isFinite ? min(max(position, 0), 1) : 0
  }

  /// From 0 to a round number that is not below the value.
  ///
  /// - Parameters:
  ///   - base: 2 has marks at powers of 2, for sizes.
  ///   - least: no marks are closer than this: what is counted has no halves.
  static func linear(upTo most: Double, marks: Int = 4, base: Double = 10, least: Double = 0, text: (Double) -> String)
    -> Scale
  {
    let most = most.isFinite && most > 0 ? most : 1
    let step = max(roundStep(most / Double(marks), base: base), least)
    let count = max(1, (most / step).rounded(.up))
    let top = step * count
    let ticks = stride(from: 0, through: count, by: 1).map { Tick(position: $0 / count, text: text($0 * step)) }
    return Scale(place: { $0 / top }, ticks: ticks)
  }

  /// Time from 0 to exactly the end, with marks at round numbers.
  static func time(upTo end: Double) -> Scale {
    let end = end.isFinite && end > 0 ? end : 1
    let steps: [Double] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200]
    let step = steps.first { end / $0 <= 6 } ?? 86_400 * max(1, (end / 86_400 / 6).rounded(.up))
    let ticks = stride(from: 0, through: end, by: step).map { Tick(position: $0 / end, text: clock($0)) }
    return Scale(place: { $0 / end }, ticks: ticks)
  }

  /// Logarithmic, over at least a decade around the values.
  static func logarithmic(from least: Double, to most: Double, text: (Double) -> String) -> Scale {
    let least = least.isFinite ? min(max(least, 1e-6), 1e6) : 1e-6
    let most = most.isFinite ? min(max(most, least), 1e6) : least
    let low = floor(log10(least) + 1e-9)
    let high = max(ceil(log10(most) - 1e-9), low + 1)
    let leads: [Double] = high - low > 2 ? [1] : [1, 2, 5]
    let ticks = stride(from: low, through: high, by: 1).flatMap { decade in
      leads.map { $0 * pow(10, decade) }.filter { $0 <= pow(10, high) * 1.001 }
    }
    return Scale(
      place: { (log10(max($0, 1e-9)) - low) / (high - low) },
      ticks: ticks.map { Tick(position: (log10($0) - low) / (high - low), text: text($0)) })
  }

  /// Percentiles by 1 / (1 - percentile): each nine has the same width.
  static func percentiles(ofCount count: Double) -> Scale {
    let nines = min(max(log10(max(count, 1)), 1), 9)
    let names = ["0", "90 %", "99 %", "99.9 %", "99.99 %"]
    var ticks = [Tick(position: log10(2) / nines, text: "50 %")]
    for nine in 1...9 where Double(nine) <= nines + 0.01 {
      let name = nine < names.count ? names[nine] : "\(nine) nines"
      ticks.append(Tick(position: Double(nine) / nines, text: name))
    }
    return Scale(
      place: { percentile in percentile >= 100 ? 1 : -log10(1 - max(percentile, 0) / 100) / nines }, ticks: ticks)
  }

  /// 1, 2 or 5 times a power of 10, or a power of 2.
  private static func roundStep(_ least: Double, base: Double) -> Double {
    if base == 2 { return pow(2, ceil(log2(least) - 1e-9)) }
    let power = pow(10, floor(log10(least) + 1e-9))
    return ([1, 2, 5, 10].first { $0 * power >= least * 0.999_999 } ?? 10) * power
  }

  private static func clock(_ seconds: Double) -> String {
    if seconds < 120 { return "\(Int(seconds)) s" }
    if seconds < 7200 { return FigureText.digits(seconds / 60) + " min" }
    return FigureText.digits(seconds / 3600) + " h"
  }
}

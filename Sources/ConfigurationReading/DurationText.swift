/// Durations as people write them.
package enum DurationText {
  // Milliseconds of each unit. "ms" comes before "m" and "s" only for the reader: whole units are compared.
  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  /// `500ms`, `10s`, `5m`, `24h`, `7d`. A number without a unit is refused: nobody could say which was meant.
  package static func parse(_ text: String) throws(ValueFault) -> Duration {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard !digits.isEmpty, digits.count == 1 || !digits.hasPrefix("0") else {
      throw ValueFault(message: "`\(text)` is not a duration", hint: "write a duration such as `500ms`, `10s` or `24h`")
    }
    guard !unit.isEmpty else {
      throw ValueFault(
        message: "`\(text)` has no unit", hint: "write `\(text)s` for seconds, or another of ms, m, h, d")
    }
    guard !unit.hasPrefix(".") && !unit.hasPrefix(",") else {
      throw ValueFault(message: "`\(text)` is a fraction", hint: "write a whole number of a smaller unit: `1500ms`")
    }
    guard let factor = units.first(where: { $0.name == unit })?.milliseconds else {
      throw ValueFault(message: "`\(text)` is not a duration", hint: "write the unit as ms, s, m, h or d: `10s`")
    }
    guard let number = Int64(digits), case let (sum, overflow) = number.multipliedReportingOverflow(by: factor),
      !overflow
    else { throw ValueFault(message: "`\(text)` is too long", hint: "write a shorter duration") }
    return .milliseconds(sum)
  }

  /// In the largest unit that leaves a whole number; below a millisecond nothing is said.
  package static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
    for unit in units where milliseconds != 0 && milliseconds % unit.milliseconds == 0 {
      return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
    return "0s"
  }
}

extension ValueParser where Value == Duration {
  /// A duration within `range`.
  package static func duration(in range: ClosedRange<Duration>) -> ValueParser {
    ValueParser(expected: "a duration such as `10s`") { text, _ throws(ValueFault) in
      let duration = try DurationText.parse(text)
      guard range.contains(duration) else {
        let bounds =
          duration < range.lowerBound
          ? "at least \(DurationText.text(range.lowerBound))" : "at most \(DurationText.text(range.upperBound))"
        throw ValueFault(message: "`\(text)` is out of range", hint: "write \(bounds)")
      }
      return duration
    }
  }
}

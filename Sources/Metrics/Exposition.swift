/// Metrics as text that Prometheus reads (its text-based exposition format, version 0.0.4).
package struct Exposition: Sendable {
  /// What an answer's `Content-Type` says of ``text``.
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Names and values, in the order in which a sample shows them.
  package typealias Labels = KeyValuePairs<String, String>

  /// All that was added.
  package private(set) var text = ""

  /// Nothing yet.
  package init() {}

  /// Begins a family; its samples follow, before those of another.
  package mutating func begin(_ family: MetricFamily) {
    text += "# HELP \(family.name) \(Self.escaped(family.help))\n# TYPE \(family.name) \(family.kind.rawValue)\n"
  }

  /// A whole number.
  package mutating func sample(_ family: MetricFamily, _ labels: Labels = [:], _ value: some BinaryInteger) {
    line(family.name, labels, "\(value)")
  }

  /// Any number.
  package mutating func sample(_ family: MetricFamily, _ labels: Labels = [:], _ value: Double) {
    line(family.name, labels, Self.number(value))
  }

  /// All of a histogram.
  package mutating func sample(_ family: MetricFamily, _ labels: Labels = [:], _ reading: Buckets.Reading) {
    for (bound, count) in reading.buckets {
      line(family.name + "_bucket", labels, "\(count)", bound: Self.number(bound))
    }
    line(family.name + "_bucket", labels, "\(reading.count)", bound: "+Inf")
    line(family.name + "_sum", labels, Self.number(reading.sum))
    line(family.name + "_count", labels, "\(reading.count)")
  }

  /// A family with one sample.
  package mutating func single(_ family: MetricFamily, _ value: some BinaryInteger) {
    begin(family)
    sample(family, [:], value)
  }

  /// A family with one sample.
  package mutating func single(_ family: MetricFamily, _ value: Double) {
    begin(family)
    sample(family, [:], value)
  }

  /// A family with one histogram.
  package mutating func single(_ family: MetricFamily, _ histogram: Buckets) {
    begin(family)
    sample(family, [:], histogram.reading)
  }

  private mutating func line(_ name: String, _ labels: Labels, _ value: String, bound: String? = nil) {
    text += name
    var shown = labels.map { "\($0.key)=\"\(Self.escaped($0.value, quotes: true))\"" }
    if let bound { shown.append("le=\"\(bound)\"") }
    if !shown.isEmpty { text += "{" + shown.joined(separator: ",") + "}" }
    text += " " + value + "\n"
  }

  private static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
  }

  private static func escaped(_ text: String, quotes: Bool = false) -> String {
    var escaped = ""
    for character in text.unicodeScalars {
      switch character {
      case "\\": escaped += "\\\\"
      case "\n": escaped += "\\n"
      case "\"" where quotes: escaped += "\\\""
      default: escaped.unicodeScalars.append(character)
      }
    }
    return escaped
  }
}

/// One metric: what it is called, and what it means. Its samples differ by their labels.
package struct MetricFamily: Hashable, Sendable {
  /// What may become of its numbers.
  package enum Kind: String, Hashable, Sendable {
    /// They only grow, until the process ends.
    case counter
    /// They go up and down.
    case gauge
    /// Counts by upper bounds.
    case histogram
  }

  /// As Prometheus has it: words with underscores, the base unit, and `_total` for a counter.
  package let name: String
  /// What may become of its numbers.
  package let kind: Kind
  /// One sentence.
  package let help: String

  /// All of it.
  package init(_ name: String, _ kind: Kind, _ help: String) {
    self.name = name
    self.kind = kind
    self.help = help
  }
}

import XStream

/// How often which setback came, with the first one's words.
struct SetbackCounts: Sendable {
  private struct Name: Hashable {
    var kind: String
    var status: Int?
    var name: String
  }

  private var counts: [Name: (count: Int, example: String)] = [:]

  mutating func note(_ setback: Setback) {
    let name = Name(kind: setback.kind, status: setback.status, name: setback.name)
    counts[name, default: (0, setback.text)].count += 1
  }

  mutating func add(_ other: SetbackCounts) {
    for (name, theirs) in other.counts { counts[name, default: (0, theirs.example)].count += theirs.count }
  }

  /// Of a status.
  func count(ofStatus status: Int) -> Int {
    counts.reduce(0) { $0 + ($1.key.status == status ? $1.value.count : 0) }
  }

  /// Most frequent first.
  var report: [LoadReport.ErrorCount] {
    counts.map { name, value in
      LoadReport.ErrorCount(
        kind: name.kind, status: name.status, name: name.name, count: value.count, example: value.example)
    }
    .sorted { ($1.count, $0.kind, $0.name) < ($0.count, $1.kind, $1.name) }
  }
}

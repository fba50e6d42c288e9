/// How many uploads of each route are unfinished, as the open transaction has it.
struct UnfinishedCensus {
  private var counts: [String: Int]
  /// What the open transaction changed, to be taken back if it is not committed.
  private var changes: [(route: String, by: Int)] = []

  init(_ counts: [String: Int]) {
    self.counts = counts
  }

  func count(of route: String) -> Int {
    counts[route] ?? 0
  }

  mutating func add(_ number: Int, to route: String) {
    counts[route, default: 0] += number
    changes.append((route, number))
  }

  /// The transaction was committed.
  mutating func keep() {
    changes.removeAll(keepingCapacity: true)
  }

  /// The transaction came to nothing.
  mutating func takeBack() {
    for change in changes { counts[change.route, default: 0] -= change.by }
    changes.removeAll(keepingCapacity: true)
  }
}

/// How many uploads of each route, and of each client of it, are open, as the open transaction has it.
struct OpenUploadCounts {
  /// Whose uploads are counted.
  struct Client: Hashable {
    var route: String
    var subject: String
  }

  private var counts: [String: Int] = [:]
  private var countsByClient: [Client: Int]
  /// What the open transaction changed, to be taken back if it is not committed.
  private var changes: [(client: Client, by: Int)] = []

  init(_ counts: [Client: Int]) {
    countsByClient = counts
    for (client, count) in counts { self.counts[client.route, default: 0] += count }
  }

  func count(of route: String) -> Int {
    counts[route] ?? 0
  }

  func count(of client: Client) -> Int {
    countsByClient[client] ?? 0
  }

  mutating func add(_ number: Int, to client: Client) {
    change(client, by: number)
    changes.append((client, number))
  }

  // Clients come and go, so one that has none is not kept.
  private mutating func change(_ client: Client, by number: Int) {
    counts[client.route, default: 0] += number
    let count = countsByClient[client, default: 0] + number
    countsByClient[client] = count == 0 ? nil : count
  }

  /// The transaction was committed.
  mutating func keep() {
    changes.removeAll(keepingCapacity: true)
  }

  /// The transaction came to nothing.
  mutating func takeBack() {
    for change in changes { self.change(change.client, by: -change.by) }
    changes.removeAll(keepingCapacity: true)
  }
}

package import Metrics
package import NIOCore

/// What is counted of one route. An admission's route holds it, so that nothing is looked up where something is counted; a
/// route that a reload gives other terms keeps it.
package final class RouteMeters: Sendable {
  /// Bytes of uploads that arrived, on each event loop.
  package let received: ShardedCounter
  /// Uploads that were offered.
  package let offered = Counter()
  /// Those of them that another connection had begun.
  package let resumed = Counter()
  /// From a connection's request to the end of its part in the upload.
  package let durations = Buckets(
    .seconds([5, 25, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 3e5, 1.8e6, 7.2e6]))
  /// Of complete uploads, in bytes.
  package let sizes = Buckets(
    .plain([1 << 10, 16 << 10, 256 << 10, 1 << 20, 16 << 20, 256 << 20, 1 << 30, 16 << 30, 256 << 30]))
  /// Of parts of 64 KiB or more, in bytes a second.
  package let rates = Buckets(
    .plain([64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20, 1 << 30]))
  private let outcomes: [Counter]
  private let refusals: [Counter]

  /// - Parameter shards: event loops.
  init(shards: Int) {
    received = ShardedCounter(shards: shards)
    outcomes = CountedEnd.all.map { _ in Counter() }
    refusals = Refusal.Kind.allCases.map { _ in Counter() }
  }

  /// A connection's part in an upload ended.
  func ended(_ outcome: CountedEnd) { outcomes[outcome.index].add() }

  /// A request was refused before there was an upload.
  func refused(_ refusal: Refusal) { refusals[refusal.kind.rawValue].add() }

  /// How many parts of uploads ended in which way.
  package func ends(as outcome: CountedEnd) -> Int { outcomes[outcome.index].value }

  /// How many requests were refused for what.
  package func refusals(for kind: Refusal.Kind) -> Int { refusals[kind.rawValue].value }

  /// A part shorter than this says nothing of a client's rate, in bytes.
  static let leastForRate: Int64 = 64 << 10
}

/// Which shard of a counter an event loop has.
package struct EventLoopNumbers: Sendable {
  private let numbers: [ObjectIdentifier: Int]

  /// How many there are, at least 1.
  package var count: Int { max(1, numbers.count) }

  /// - Parameter eventLoops: all that uploads may be on; others have the first one's number.
  package init(_ eventLoops: some Sequence<any EventLoop>) {
    numbers = Dictionary(
      eventLoops.enumerated().map { (ObjectIdentifier($1), $0) }, uniquingKeysWith: { first, _ in first })
  }

  subscript(eventLoop: any EventLoop) -> Int { numbers[ObjectIdentifier(eventLoop)] ?? 0 }
}

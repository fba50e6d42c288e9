internal import Synchronization

/// A ``Counter`` for what happens all the time on every event loop: each has a cell of its own, so that none waits for the
/// cache line that another one writes. The cells are added up when somebody asks.
package final class ShardedCounter: Sendable {
  /// One shard's. It lives as long as the counter that it is of.
  package struct Cell: Sendable {
    fileprivate let owner: ShardedCounter
    fileprivate let index: Int

    /// - Parameter amount: not negative.
    package func add(_ amount: Int) { owner.cells[index * ShardedCounter.stride].add(amount, ordering: .relaxed) }
  }

  /// 64 bytes, a cache line.
  fileprivate static let stride = 8
  private let shards: Int
  // Written once, before anybody else has the counter, and freed by the last who has it; what is in it is atomic.
  fileprivate nonisolated(unsafe) let cells: UnsafeMutablePointer<Atomic<Int>>

  /// - Parameter shards: at least 1.
  package init(shards: Int) {
    self.shards = max(shards, 1)
    let count = self.shards * Self.stride
    let space = UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Int>.stride, alignment: 64)
    cells = space.bindMemory(to: Atomic<Int>.self, capacity: count)
    for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: shards * Self.stride)
    UnsafeMutableRawPointer(cells).deallocate()
  }

  /// - Parameter shard: whose; those that there is no cell for share one.
  package func cell(of shard: Int) -> Cell { Cell(owner: self, index: (0..<shards).contains(shard) ? shard : 0) }

  /// All together.
  package var value: Int {
    (0..<shards).reduce(0) { $0 + cells[$1 * Self.stride].load(ordering: .relaxed) }
  }
}

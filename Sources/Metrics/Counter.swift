internal import Synchronization

/// A number that only grows. Any thread adds to it without a lock.
package final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  /// At 0.
  package init() {}

  /// - Parameter amount: not negative.
  package func add(_ amount: Int = 1) { count.add(amount, ordering: .relaxed) }

  /// What it is now.
  package var value: Int { count.load(ordering: .relaxed) }
}

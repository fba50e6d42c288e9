internal import Synchronization

/// How often values were at most so large. Any thread adds to it without a lock.
package final class Buckets: Sendable {
  /// What a histogram counts in, and how fine.
  package struct Scale: Sendable {
    /// The upper bounds of all buckets but the last, which has none; in the unit that values are given in, rising.
    package let bounds: [Int64]
    /// How many of that unit are one of the unit that is shown.
    package let divisor: Double

    /// Values are nanoseconds, and seconds are shown.
    ///
    /// - Parameter milliseconds: the bounds.
    package static func seconds(_ milliseconds: [Double]) -> Scale {
      Scale(bounds: milliseconds.map { Int64($0 * 1e6) }, divisor: 1e9)
    }

    /// Values are shown as they are.
    package static func plain(_ bounds: [Int64]) -> Scale { Scale(bounds: bounds, divisor: 1) }
  }

  /// What it is at a moment.
  package struct Reading: Sendable {
    /// The upper bound of each bucket, in the unit that is shown, with how many were at most that; without the last bucket.
    package let buckets: [(bound: Double, count: Int)]
    /// All of them.
    package let count: Int
    /// Of all values, in the unit that is shown.
    package let sum: Double
  }

  private let scale: Scale
  // Written once, before anybody else has the histogram, and freed by the last who has it; what is in it is atomic.
  private nonisolated(unsafe) let cells: UnsafeMutablePointer<Atomic<Int>>
  private var size: Int { scale.bounds.count + 2 }

  /// Without a value.
  package init(_ scale: Scale) {
    self.scale = scale
    let size = scale.bounds.count + 2
    cells = .allocate(capacity: size)
    for index in 0..<size { (cells + index).initialize(to: Atomic(0)) }
  }

  deinit {
    cells.deinitialize(count: size)
    cells.deallocate()
  }

  /// - Parameter value: not negative.
  package func add(_ value: Int64) {
    let bucket = scale.bounds.firstIndex { value <= $0 } ?? scale.bounds.count
    cells[bucket].add(1, ordering: .relaxed)
    cells[size - 1].add(Int(value), ordering: .relaxed)
  }

  /// A value in nanoseconds.
  package func add(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    add(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }

  /// The count is that of the buckets, so the two always agree; the sum may know of a value more or less.
  package var reading: Reading {
    var count = 0
    var buckets: [(bound: Double, count: Int)] = []
    for (index, bound) in scale.bounds.enumerated() {
      count += cells[index].load(ordering: .relaxed)
      buckets.append((Double(bound) / scale.divisor, count))
    }
    count += cells[scale.bounds.count].load(ordering: .relaxed)
    return Reading(
      buckets: buckets, count: count, sum: Double(cells[size - 1].load(ordering: .relaxed)) / scale.divisor)
  }
}

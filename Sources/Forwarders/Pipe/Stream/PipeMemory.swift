/// What one stream holds of a ``LeftBehindMemory``.
struct PipeMemory: ~Copyable {
  private let shared: LeftBehindMemory
  private var leftBehind = 0
  private var answer = 0

  init(_ shared: LeftBehindMemory) {
    self.shared = shared
  }

  deinit {
    shared.giveBack(leftBehind + answer)
  }

  /// The client left `count` bytes that are not out, some of which earlier ones may have left.
  mutating func leave(_ count: Int) {
    shared.take(count - leftBehind)
    leftBehind = max(leftBehind, count)
  }

  /// So many bytes are out, or dropped. Those that were left are the first.
  mutating func freed(_ count: Int) {
    let freed = min(count, leftBehind)
    leftBehind -= freed
    shared.giveBack(freed)
  }

  /// The backend's answer has so many bytes so far.
  mutating func answer(_ count: Int) {
    shared.take(count - answer)
    shared.giveBack(answer - count)
    answer = count
  }
}

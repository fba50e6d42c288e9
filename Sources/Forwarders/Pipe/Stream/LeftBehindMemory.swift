internal import GatewayCore
internal import Synchronization

/// What a pipe's streams hold that no upload's window counts: bytes whose client is gone and that the backend's socket has
/// not taken, and backends' answers. It counts against the process's budget.
final class LeftBehindMemory: Sendable {
  private let budget: MemoryBudget
  private let count = Atomic<Int>(0)

  init(_ budget: MemoryBudget) {
    self.budget = budget
  }

  func take(_ bytes: Int) {
    guard bytes > 0 else { return }
    count.add(bytes, ordering: .relaxed)
    budget.takeLeftBehind(bytes)
  }

  func giveBack(_ bytes: Int) {
    guard bytes > 0 else { return }
    count.subtract(bytes, ordering: .relaxed)
    budget.giveBackLeftBehind(bytes)
  }

  /// Whether new uploads have to wait: much is left behind in all, and this pipe's share of that is not small, as that of
  /// one whose backends read is.
  var isFull: Bool { budget.isMuchLeftBehind && count.load(ordering: .relaxed) > budget.limit / 8 }
}

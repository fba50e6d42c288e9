internal import Synchronization

/// What is reserved of one file system, by all stores of the process that are on it: no byte of it twice.
///
/// Subvolumes and data sets that share a disk (Btrfs, ZFS) have numbers of their own, and are taken for several.
final class FileSystemSpace: Sendable {
  /// What the file system said last, and when.
  struct Reading {
    /// In bytes.
    var free: Int64
    /// Of the whole file system, in bytes.
    var size: Int64
    var at: ContinuousClock.Instant
  }

  struct State {
    var reserved = ReservedSpace()
    var reading: Reading?
  }

  private struct Weak: Sendable {
    weak var space: FileSystemSpace?
  }

  private static let all = Mutex<[UInt64: Weak]>([:])

  private let state = Mutex(State())

  private init() {}

  /// The file system with the number (`st_dev`), as long as a store has it.
  static func of(device: UInt64) -> FileSystemSpace {
    all.withLock { all in
      if let space = all[device]?.space { return space }
      all = all.filter { $0.value.space != nil }
      let space = FileSystemSpace()
      all[device] = Weak(space: space)
      return space
    }
  }

  func withState<Outcome: Sendable>(_ body: (inout State) -> Outcome) -> Outcome {
    state.withLock { body(&$0) }
  }
}

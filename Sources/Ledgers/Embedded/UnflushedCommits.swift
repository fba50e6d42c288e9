import CLinux
import GatewayCore
import Glibc
import Synchronization

/// Which commits a power cut may still take back, and how to keep it from that.
final class UnflushedCommits: Sendable {
  /// Of the write-ahead log, held open to hear of every failure to write it.
  private let log: CInt
  /// The number of the file system that the log is on.
  private let device: UInt64
  private let made = Atomic<UInt64>(0)
  private let flushed = Atomic<UInt64>(0)

  /// - Parameter path: of the ledger, which has been read, so that its log is there.
  init(path: String) throws(LedgerError) {
    log = open(path + "-wal", O_RDONLY | O_CLOEXEC)
    var status = stat()
    guard log >= 0, fstat(log, &status) == 0 else {
      throw .engine("opening \(path)-wal: \(String(cString: strerror(errno)))")
    }
    device = UInt64(status.st_dev)
  }

  deinit {
    close(log)
  }

  /// A transaction was committed, and nobody has heard of it yet.
  func committed(isFlushed: Bool) {
    let count = made.add(1, ordering: .relaxed).newValue
    if isFlushed { flushed.max(count, ordering: .releasing) }
  }

  /// Makes all that was answered so far survive a power cut. Blocks; comes from any thread.
  ///
  /// - Parameter synced: a file system that was synced as a whole after those answers. Where the log is on it, all that
  ///   is left is to hear whether writing it failed.
  func flush(afterSyncOf synced: UInt64? = nil) throws(LedgerError) {
    if synced == device {
      guard sluice_await_write_back(log) == 0 else { throw Self.failure() }
      return
    }
    let count = made.load(ordering: .acquiring)
    guard flushed.load(ordering: .acquiring) < count else { return }
    while fdatasync(log) != 0 {
      guard errno == EINTR else { throw Self.failure() }
    }
    flushed.max(count, ordering: .releasing)
  }

  private static func failure() -> LedgerError {
    .engine("syncing the write-ahead log: \(String(cString: strerror(errno)))")
  }
}

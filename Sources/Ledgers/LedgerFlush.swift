import CLinux
public import GatewayCore
import Glibc

/// Makes answers of an ``EmbeddedLedger`` survive a power cut, for one who relies on that.
///
/// Each has the write-ahead log open for itself: the system tells of a failure to write it once to each open file, and
/// nobody may miss it because another has heard of it.
public final class LedgerFlush: Sendable {
  private let log: CInt
  /// The number of the file system that the log is on.
  private let device: UInt64
  private let unflushed: UnflushedCommits

  /// - Parameter path: of the ledger, which has been read, so that its log is there.
  init(path: String, unflushed: UnflushedCommits) throws(LedgerError) {
    log = open(path + "-wal", O_RDONLY | O_CLOEXEC)
    self.unflushed = unflushed
    var status = stat()
    guard log >= 0, fstat(log, &status) == 0 else {
      throw .engine("opening \(path)-wal: \(String(cString: strerror(errno)))")
    }
    device = UInt64(status.st_dev)
  }

  deinit {
    close(log)
  }

  /// Makes every answer that the ledger gave so far survive a power cut. Blocks; not for event loops. One call at a time.
  ///
  /// - Parameter synced: the number (`st_dev`) of a file system that was synced as a whole after those answers. Where
  ///   the log is on it, all that is left is to hear whether writing it failed.
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``.
  public func flushAnswers(afterSyncOf synced: UInt64? = nil) throws(LedgerError) {
    if synced == device {
      guard sluice_await_write_back(log) == 0 else { throw failure() }
      return
    }
    try unflushed.flush { () throws(LedgerError) in
      while fdatasync(log) != 0 {
        guard errno == EINTR else { throw failure() }
      }
    }
  }

  private func failure() -> LedgerError {
    let words = String(cString: strerror(errno))
    unflushed.noteFailure()
    return .engine("syncing the write-ahead log: \(words)")
  }
}

import CLinux
package import GatewayCore
import Glibc

/// Makes answers of an ``EmbeddedLedger`` survive a power cut, for one who relies on that.
///
/// Each has the write-ahead log open for itself: the system tells of a failure to write it once to each open file, and
/// nobody may miss it because another has heard of it.
package final class LedgerFlush: Sendable {
  private let log: CInt
  /// The number of the file system that the log is on.
  private let device: UInt64
  private let unflushed: UnflushedCommits
  private let queue: CallQueue

  /// - Parameter path: of the ledger, which has been read, so that its log is there.
  init(path: String, unflushed: UnflushedCommits, queue: CallQueue) throws(LedgerError) {
    log = open(path + "-wal", O_RDONLY | O_CLOEXEC)
    self.unflushed = unflushed
    self.queue = queue
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
  /// Where writing the log has failed, here or anywhere else, it waits until the ledger has written all of it anew.
  ///
  /// - Parameter synced: the number (`st_dev`) of a file system that was synced as a whole after those answers. Where
  ///   the log is on it, all that is left is to hear whether writing it failed.
  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``; the flush is then still owed.
  package func flushAnswers(afterSyncOf synced: UInt64? = nil) throws(LedgerError) {
    // Whoever heard of the failure, a sync does not tell of it twice and proves nothing.
    if unflushed.isHoled { return try queue.awaitRepair() }
    if synced == device {
      if sluice_await_write_back(log) != 0 { try repair(errno) }
      return
    }
    try unflushed.flush { () throws(LedgerError) in
      while fdatasync(log) != 0 {
        guard errno == EINTR else { return try repair(errno) }
      }
    }
  }

  private func repair(_ code: Int32) throws(LedgerError) {
    unflushed.noteFailure("syncing the write-ahead log: \(String(cString: strerror(code)))")
    try queue.awaitRepair()
  }
}

internal import CLinux
internal import GatewayCore
internal import Glibc
internal import Synchronization

/// Makes many small files durable at once.
///
/// Each `fsync` of a new file waits for a commit of the file system's journal and a flush of the disk. One `syncfs` does
/// both for all of them; but it also writes what others have in the page cache of that file system, which may be
/// gigabytes. So where one took long, files are synced one by one for a while.
final class GroupSync: Sendable {
  /// Fewer files are synced one by one.
  private static let least = 2
  /// A `syncfs` that took longer had others' bytes to write.
  private static let tooLong = Duration.milliseconds(50)
  private static let pause = Duration.seconds(10)

  let directory: StoreDirectory
  /// The number of the directory's file system, where one `syncfs` is as good as a sync of each file.
  let device: UInt64?
  private let observer: (any StoreObserver)?
  private let notBefore = Mutex(ContinuousClock.now)

  init(directory: StoreDirectory, observer: (any StoreObserver)?) {
    self.directory = directory
    self.observer = observer
    var status = stat()
    let isWhole = sluice_syncs_wholly(directory.partial) != 0 && fstat(directory.partial, &status) == 0
    device = isWhole ? UInt64(status.st_dev) : nil
  }

  /// - Parameter failed: called with the index of each file that is not durable.
  /// - Returns: the number of the file system, where it was synced as a whole.
  func sync(_ files: [PartialFile], failed: (Int, SinkFailure) -> Void) -> UInt64? {
    // Those of folders that the store had before may be on another file system.
    let isTogether =
      files.count >= Self.least && device != nil && files.allSatisfy { $0.directory === directory }
      && syncFileSystem(with: files.count)
    if !isTogether, files.count > 1 {
      for file in files { file.beginWriteBack() }
    }
    for (index, file) in files.enumerated() {
      do throws(SinkFailure) {
        if isTogether { try file.noteSynced() } else { try file.syncWhole() }
      } catch {
        failed(index, error)
      }
    }
    return isTogether ? device : nil
  }

  /// `false` where the files have to be synced one by one: also where it failed, to find out for which of them.
  private func syncFileSystem(with files: Int) -> Bool {
    let clock = ContinuousClock()
    let begin = clock.now
    guard notBefore.withLock({ $0 <= begin }) else { return false }
    guard observer.timingSync(files: files, { uninterrupted { syncfs(directory.partial) } }) == 0 else { return false }
    let end = clock.now
    if end - begin > Self.tooLong { notBefore.withLock { $0 = end + Self.pause } }
    return true
  }
}

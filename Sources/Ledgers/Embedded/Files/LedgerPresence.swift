import GatewayCore
import Glibc

/// Whether the files that a ledger has open are still those that its paths name: what is written to a file that was removed
/// or moved is not there after a restart.
///
/// For the writer's thread.
final class LedgerPresence {
  private struct File {
    let path: String
    let device: UInt64
    // As long as somebody has the file open, no other one gets its number.
    let inode: UInt64
  }

  private let files: [File]
  private let tell: @Sendable (LedgerNotice) -> Void
  private var parted: String?

  /// - Parameters:
  ///   - path: of a ledger that is open and has been read, so that all of its files are there.
  ///   - tell: is told when a file is gone, and when all are back.
  init(path: String, tell: @escaping @Sendable (LedgerNotice) -> Void) throws(LedgerError) {
    self.tell = tell
    var files: [File] = []
    for suffix in ["", "-wal", "-shm", ".lock"] {
      guard let (device, inode) = Self.identity(of: path + suffix) else {
        throw .engine("\(path)\(suffix) is not there: \(String(cString: strerror(errno)))")
      }
      files.append(File(path: path + suffix, device: device, inode: inode))
    }
    self.files = files
  }

  /// Whether it was not in its place at the last look.
  var hasParted: Bool { parted != nil }

  /// - Throws: ``/GatewayCore/LedgerError/engine(_:)``, where a path names no file or another one. Takes some
  ///   microseconds, which the writer's thread has for each commit and no call by itself.
  func verify() throws(LedgerError) {
    for file in files {
      let found = Self.identity(of: file.path)
      if let found, found == (file.device, file.inode) { continue }
      let description = found == nil ? "is gone (\(String(cString: strerror(errno))))" : "is another file now"
      if parted == nil { tell(.parted(path: file.path, description: description)) }
      parted = file.path
      throw .engine(
        "the ledger's file \(file.path) \(description): put back the one that was there, or restart the gateway")
    }
    if let path = parted { tell(.rejoined(path: path)) }
    parted = nil
  }

  private static func identity(of path: String) -> (device: UInt64, inode: UInt64)? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return (UInt64(status.st_dev), UInt64(status.st_ino))
  }
}

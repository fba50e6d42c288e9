import Glibc
import Synchronization

/// A lock on a file that one process holds at a time, and that ends with the process however it ends.
final class FileLock: Sendable {
  private let descriptor: Mutex<Int32>

  /// Takes the lock or throws ``LedgerOpenError/locked(path:holder:)`` at once.
  ///
  /// The lock is on a file beside the ledger, never on the ledger: closing any descriptor of a database drops the locks
  /// that SQLite itself has on it. That file stays when the lock ends; removing it would let two processes lock two files
  /// of one name.
  init(besides path: String) throws(LedgerOpenError) {
    let lockPath = path + ".lock"
    let opened = Glibc.open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard opened >= 0 else {
      throw .engine(path: path, description: "open \(lockPath): \(String(cString: strerror(errno)))")
    }
    guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      defer { Glibc.close(opened) }
      if code == EWOULDBLOCK { throw .locked(path: path, holder: Self.contents(of: opened)) }
      throw .engine(path: path, description: "flock \(lockPath): \(String(cString: strerror(code)))")
    }
    // For the message of the one that comes second; the lock does not depend on it, so a full disk may spoil it.
    let description = "process \(getpid())"
    ftruncate(opened, 0)
    _ = description.utf8.withContiguousStorageIfAvailable { pwrite(opened, $0.baseAddress, $0.count, 0) }
    descriptor = Mutex(opened)
  }

  deinit {
    unlock()
  }

  /// The process that holds the lock; `nil` where none does. To try the lock itself could keep a gateway from starting.
  static func holder(besides path: String) -> pid_t? {
    let opened = Glibc.open(path + ".lock", O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { return nil }
    defer { Glibc.close(opened) }
    var status = stat()
    guard fstat(opened, &status) == 0,
      let process = contents(of: opened).split(separator: " ").last.flatMap({ pid_t($0) })
    else { return nil }
    // proc_locks(5): `1: FLOCK ADVISORY WRITE PID MAJOR:MINOR:INODE 0 EOF`.
    let isHeld = lines(of: "/proc/locks").contains { line in
      let words = line.split(separator: " ")
      return words.count > 5 && words[1] == "FLOCK" && words[4] == "\(process)"
        && words[5].hasSuffix(":\(status.st_ino)")
    }
    return isHeld ? process : nil
  }

  private static func lines(of path: String) -> [Substring] {
    let opened = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard opened >= 0 else { return [] }
    defer { Glibc.close(opened) }
    var text: [UInt8] = []
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      while case let count = read(opened, buffer.baseAddress, buffer.count), count > 0 { text += buffer[..<count] }
    }
    return String(decoding: text, as: UTF8.self).split(separator: "\n")
  }

  /// Ends the lock. A second call does nothing.
  func unlock() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { Glibc.close(descriptor) }
      descriptor = -1
    }
  }

  private static func contents(of descriptor: Int32) -> String {
    withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
      let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
      return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : ""
    }
  }
}

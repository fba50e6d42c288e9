import CLinux
import Glibc

/// A file of no content that holds room on a disk, to be given up when somebody has a better use for it.
struct ReserveFile {
  let path: String
  /// In bytes.
  let size: Int64

  /// Whether it holds its room.
  var isThere: Bool {
    var status = stat()
    return stat(path, &status) == 0 && Int64(status.st_blocks) * 512 >= size
  }

  /// Takes the room, where the disk has it. A file with a hole would hold none.
  ///
  /// - Returns: whether it has.
  func make() -> Bool {
    if isThere { return true }
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    if fallocate64(file, 0, 0, size) == 0 || (errno == EOPNOTSUPP && fill(file)) { return true }
    ftruncate(file, 0)
    return false
  }

  /// Gives the room to whoever comes first.
  ///
  /// - Returns: whether there was any.
  func giveUp() -> Bool {
    isThere && truncate(path, 0) == 0
  }

  private func fill(_ file: Int32) -> Bool {
    let zeros = [UInt8](repeating: 0, count: 64 << 10)
    for offset in stride(from: 0, to: Int(size), by: zeros.count) {
      guard pwrite(file, zeros, min(zeros.count, Int(size) - offset), offset) > 0 else { return false }
    }
    return true
  }
}

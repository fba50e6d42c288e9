import Foundation
import Glibc

/// A file system of its own size, for tests that fill it. Needs the right to mount.
struct TinyDisk {
  let path: String

  init?(kibibytes: Int) {
    path = NSTemporaryDirectory() + "/ledger-disk-\(UInt64.random(in: 0 ... .max))"
    guard mkdir(path, 0o700) == 0 else { return nil }
    guard mount("none", path, "tmpfs", 0, "size=\(kibibytes)k") == 0 else {
      rmdir(path)
      return nil
    }
  }

  /// Takes all that is left.
  func fill() {
    let descriptor = open(path + "/filler", O_WRONLY | O_CREAT, 0o600)
    let block = [UInt8](repeating: 0, count: 4096)
    while write(descriptor, block, block.count) > 0 {}
    close(descriptor)
  }

  func empty() {
    unlink(path + "/filler")
  }

  func remove() {
    umount2(path, Int32(MNT_DETACH))
    rmdir(path)
  }

  static let canBeMade: Bool = {
    guard let disk = TinyDisk(kibibytes: 64) else { return false }
    disk.remove()
    return true
  }()
}

import Foundation
import Testing

/// A file system of a real kind in a file, for tests that fill it. Needs the right to mount.
final class ImageDisk: Sendable {
  let path: String
  private let image: String

  static let canBeMade = geteuid() == 0

  /// - Parameter system: of which `mkfs.SYSTEM` makes one.
  init(_ system: String) throws {
    path = NSTemporaryDirectory() + "ledger-image-\(UInt64.random(in: 0 ... .max))"
    image = path + ".img"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    // xfs takes no less.
    try run("/usr/bin/truncate", "-s", "320M", image)
    try run("/usr/bin/env", ["mkfs.\(system)", "-q"] + (system == "ext4" ? ["-m", "0"] : []) + [image])
    try run("/usr/bin/env", "mount", "-o", "loop", image, path)
  }

  func remove() {
    try? run("/usr/bin/env", "umount", "-l", path)
    unlink(image)
    rmdir(path)
  }

  /// Takes all that is left, to the last byte that a file can have.
  func fill() {
    let file = open(path + "/filler", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(file) }
    for size in [1 << 20, 4096, 512] {
      let block = [UInt8](repeating: 1, count: size)
      while write(file, block, block.count) > 0 {}
    }
  }

  func empty() {
    unlink(path + "/filler")
    sync()
  }

  private func run(_ program: String, _ arguments: String...) throws {
    try run(program, arguments)
  }

  private func run(_ program: String, _ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(arguments)")
  }
}

import Glibc

/// Tells, from one look at some files after the other, when to take them anew.
///
/// What changed is taken once it has stayed the same for one look: certificate and key are written one after the other.
/// What was taken is not taken again before it changes again, whatever came of it.
struct FileChanges {
  /// By path; `nil` for a file that is not there.
  typealias Look = [String: FileStamp?]

  private var taken: Look
  private var last: Look

  init(_ look: Look) {
    taken = look
    last = look
  }

  /// - Returns: whether the files are to be taken now.
  mutating func see(_ look: Look) -> Bool {
    defer { last = look }
    guard look != taken, look == last else { return false }
    taken = look
    return true
  }

  /// Somebody takes the files that `look` saw, for another reason.
  mutating func take(_ look: Look) {
    (taken, last) = (look, look)
  }
}

/// What a look at a file can tell of its contents. A path stands for what its links lead to: who renews certificates often
/// changes a link alone.
struct FileStamp: Hashable {
  let device: UInt64
  let number: UInt64
  let size: Int64
  let changedAt: [Int]
}

extension FileStamp {
  /// `nil` where there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    device = UInt64(status.st_dev)
    number = UInt64(status.st_ino)
    size = Int64(status.st_size)
    // The second tells what programs cannot set.
    changedAt = [
      Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec), Int(status.st_ctim.tv_sec), Int(status.st_ctim.tv_nsec),
    ]
  }

  /// Blocks.
  static func look(at paths: [String]) -> FileChanges.Look {
    Dictionary(paths.map { ($0, FileStamp($0)) }, uniquingKeysWith: { first, _ in first })
  }
}

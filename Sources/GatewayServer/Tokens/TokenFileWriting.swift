import ConfigurationReading
import Glibc
import OperatingSystem

/// Changes a file of tokens in one step: whoever reads it sees the old one or the new one. One command at a time does so.
///
/// The lock is the folder's, as the file itself becomes another one; it ends with this object.
final class TokenFileWriting {
  private let path: String
  /// Without links: the file that a link leads to is changed, and not the link.
  private let target: String
  private let folder: CInt

  init(_ path: String) throws(ConfigurationFaults) {
    self.path = path
    target = FilePlace.canonical(FilePlace.absolute(path, from: FilePlace.current))
    let folder = FileName.withBytes(of: FilePlace.parent(of: target)) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    self.folder = folder
    guard folder >= 0 else { throw fault("its folder cannot be opened", "make the folder, or name another file") }
    while flock(folder, LOCK_EX) != 0 {
      guard errno == EINTR else { throw fault("its folder cannot be locked", "name a file on another disk") }
    }
  }

  deinit {
    if folder >= 0 { close(folder) }
  }

  /// What the file has; `nil` where there is none.
  func text() throws(ConfigurationFaults) -> String? {
    var status = stat()
    let isThere = FileName.withBytes(of: target) { stat($0, &status) } == 0
    guard isThere || errno != ENOENT else { return nil }
    return try TokenFile.text(of: path)
  }

  /// Puts a file with `text` in the place of the old one. It has the old one's owner and rights, or else is its maker's alone.
  func replace(with text: String) throws(ConfigurationFaults) {
    let temporary = target + ".new-" + String(UInt32.random(in: 0...(.max)), radix: 16)
    let file = FileName.withBytes(of: temporary) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard file >= 0 else { throw fault("a file beside it cannot be made", "let this user write to its folder") }
    var isInPlace = false
    defer {
      close(file)
      if !isInPlace { _ = FileName.withBytes(of: temporary) { unlink($0) } }
    }
    try takeRights(of: target, for: file)
    try write(text, to: file)
    guard fsync(file) == 0 else { throw fault("it cannot be synced", "look after its disk") }
    let isRenamed = FileName.withBytes(of: temporary) { from in
      FileName.withBytes(of: target) { to in rename(from, to) }
    }
    guard isRenamed == 0 else { throw fault("it cannot be replaced", "let this user write to its folder") }
    isInPlace = true
    guard fsync(folder) == 0 else { throw fault("its folder cannot be synced", "look after its disk") }
  }

  /// A gateway that runs as another user must be able to read the new file as it did the old one.
  private func takeRights(of target: String, for file: CInt) throws(ConfigurationFaults) {
    var (old, new) = (stat(), stat())
    guard FileName.withBytes(of: target, { stat($0, &old) }) == 0 else { return }
    guard fstat(file, &new) == 0 else { throw fault("a file beside it cannot be looked at", "look after its disk") }
    if old.st_uid != new.st_uid || old.st_gid != new.st_gid {
      guard fchown(file, old.st_uid, old.st_gid) == 0 else {
        throw fault("its owner and group could not be kept", "run this as root, or as its owner")
      }
    }
    guard fchmod(file, old.st_mode & 0o770) == 0 else {
      throw fault("its rights could not be kept", "run this as root, or as its owner")
    }
  }

  private func write(_ text: String, to file: CInt) throws(ConfigurationFaults) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        throw fault("it cannot be written", "make room on its disk")
      }
    }
  }

  /// With the system's word for what went wrong just now.
  private func fault(_ message: String, _ hint: String) -> ConfigurationFaults {
    let cause = FilePlace.word(for: errno)
    return ConfigurationFaults(
      [ConfigurationFault(file: path, line: 0, column: 0, message: "\(message): \(cause)", hint: hint)], mainFile: path)
  }
}

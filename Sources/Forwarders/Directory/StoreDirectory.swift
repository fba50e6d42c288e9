internal import CLinux
internal import GatewayCore
internal import Glibc
internal import Synchronization

/// The two folders of a store, held open: `DIRECTORY` for complete uploads, `DIRECTORY/.partial` for the others.
///
/// A file is reached through its folder's descriptor and its key, which cannot hold a slash or be `..`; nothing that a
/// client says becomes a path. One store at a time: recovery removes what its own route does not know, and would take
/// another's uploads for remains.
final class StoreDirectory: Sendable {
  static let partialName = ".partial"
  // A dot and its length keep it apart from all keys.
  private static let probeName = ".probe"

  let path: String
  /// Descriptor of the folder of complete uploads.
  let complete: CInt
  /// Descriptor of the folder of unfinished uploads.
  let partial: CInt
  /// Folders below `complete` whose own names are durable.
  let durableFolders = Mutex<Set<[String]>>([])

  /// Opens the folders at `path`, makes them where they are missing, and tries them with an empty file.
  init(path: String) throws(SinkFailure) {
    let partialPath = path + "/" + Self.partialName
    var isNew = false
    if mkdir(path, 0o750) == 0 {
      isNew = true
    } else if errno != EEXIST {
      throw .system(
        "making the folder", path, errno, advice: "make it by hand, or name another directory for the route")
    }
    let complete = try Self.openFolder(AT_FDCWD, path, shown: path)
    var partial: CInt = -1
    do throws(SinkFailure) {
      if mkdirat(complete, Self.partialName, 0o700) == 0 {
        try Self.sync(complete, shown: path)
      } else if errno != EEXIST {
        throw .system(
          "making the folder", partialPath, errno, advice: "the gateway's user must be able to write to \(path)")
      }
      partial = try Self.openFolder(complete, Self.partialName, shown: partialPath)
      if isNew { try Self.syncParent(of: complete, shown: path) }
      try Self.claim(partial, shown: partialPath)
      try Self.probe(complete: complete, partial: partial, path: path)
    } catch {
      if partial >= 0 { close(partial) }
      close(complete)
      throw error
    }
    self.path = path
    self.complete = complete
    self.partial = partial
  }

  deinit {
    close(partial)
    close(complete)
  }

  /// An unfinished upload's place in words. Keys are secrets, so only the log's part of one is in it.
  func partialPlace(_ key: UploadKey) -> String { "\(path)/\(Self.partialName)/\(key.logID)…" }

  /// A complete upload's place in words.
  func completePlace(_ key: UploadKey) -> String { "\(path)/\(key.logID)…" }

  /// Makes the names in the folder of unfinished uploads durable.
  func syncPartial() throws(SinkFailure) { try Self.sync(partial, shown: path + "/" + Self.partialName) }

  /// Removes an unfinished upload's file. One that is not there is no failure.
  func removePartial(_ key: UploadKey) throws(SinkFailure) {
    if unlinkat(partial, key.text, 0) != 0, errno != ENOENT {
      throw .system("removing", partialPlace(key), errno)
    }
  }

  /// Removes all of an upload that the ledger does not call complete: also the file of one that got its final name and
  /// was never settled. What is not there is no failure.
  func removeUnsettled(_ key: UploadKey, final: FinalPlace?) throws(SinkFailure) {
    try removePartial(key)
    try syncPartial()
    guard let final, let folder = try folder(of: final) else { return }
    var isChanged = false
    // The sidecar last: a complete file is never without it.
    for name in [final.name, final.sidecar] {
      if unlinkat(folder.descriptor, name, 0) == 0 {
        isChanged = true
      } else if errno != ENOENT {
        throw .system("removing", completePlace(key), errno)
      }
    }
    if isChanged { try folder.sync() }
  }

  static func openFolder(_ parent: CInt, _ name: String, shown: String) throws(SinkFailure) -> CInt {
    // A folder of unfinished uploads that is a link would lead elsewhere; the route's own directory may be one.
    let follow = parent == AT_FDCWD ? 0 : O_NOFOLLOW
    let folder = uninterrupted { openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow) }
    guard folder >= 0 else {
      throw .system("opening the folder", shown, errno, advice: "it must be a folder that the gateway's user may read")
    }
    return folder
  }

  static func sync(_ folder: CInt, shown: String) throws(SinkFailure) {
    if uninterrupted({ fsync(folder) }) != 0 { throw .system("syncing the folder", shown, errno) }
  }

  private static func syncParent(of folder: CInt, shown: String) throws(SinkFailure) {
    let parent = try openFolder(folder, "..", shown: shown + "/..")
    defer { close(parent) }
    try sync(parent, shown: shown + "/..")
  }

  private static func claim(_ partial: CInt, shown: String) throws(SinkFailure) {
    // File systems without locks say other things than EWOULDBLOCK, and are taken without this protection.
    if uninterrupted({ flock(partial, LOCK_EX | LOCK_NB) }) != 0, errno == EWOULDBLOCK {
      throw .storage("\(shown) is in use by another gateway or another route; give each route a directory of its own")
    }
    var status = stat()
    guard fstat(partial, &status) == 0 else { throw .system("looking at", shown, errno) }
    if status.st_mode & 0o077 != 0, fchmod(partial, 0o700) != 0 {
      throw .system(
        "closing to other users", shown, errno, advice: "it must belong to the gateway's user, with mode 0700")
    }
  }

  /// Does with an empty file what is done with every upload: makes it, moves it into place, and here removes it.
  private static func probe(complete: CInt, partial: CInt, path: String) throws(SinkFailure) {
    let advice = "the gateway's user must be able to write there, and both folders must be on one file system"
    for folder in [complete, partial] { unlinkat(folder, probeName, 0) }
    let file = uninterrupted { openat(partial, probeName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600) }
    guard file >= 0 else {
      // A full disk is a state that passes, and no reason not to start.
      if errno == ENOSPC || errno == EDQUOT { return }
      throw .system("making a file in", path + "/" + partialName, errno, advice: advice)
    }
    close(file)
    let code = moveNew(probeName, from: partial, probeName, to: complete)
    for folder in [complete, partial] { unlinkat(folder, probeName, 0) }
    if code != 0, code != ENOSPC, code != EDQUOT {
      throw .system("moving a file from \(partialName) to", path, code, advice: advice)
    }
  }

  /// Gives a file its name in another folder, and never overwrites one that is there.
  ///
  /// - Returns: 0 or an `errno`.
  static func moveNew(_ name: String, from: CInt, _ newName: String, to: CInt) -> CInt {
    if sluice_rename_new(from, name, to, newName) == 0 { return 0 }
    let code = errno
    // A file system that cannot rename in this way can mostly link, which does not overwrite either. Between the two
    // calls the file has both names; recovery knows that.
    guard code == EINVAL || code == ENOSYS else { return code }
    guard linkat(from, name, to, newName, 0) == 0 else { return errno }
    return unlinkat(from, name, 0) == 0 ? 0 : errno
  }
}

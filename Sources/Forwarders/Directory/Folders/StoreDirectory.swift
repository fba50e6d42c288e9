internal import CLinux
internal import GatewayCore
internal import Glibc
internal import Synchronization

/// The two folders of a store, held open: `DIRECTORY` for complete uploads, `DIRECTORY/.partial` for the others.
///
/// A file is reached through its folder's descriptor and its key, which cannot hold a slash or be `..`; nothing that a
/// client says becomes a path. One store at a time: recovery removes what its own route does not know, and would take
/// another's uploads for remains. ``StorePlace`` sees to it that the paths go on naming these folders.
final class StoreDirectory: Sendable {
  static let partialName = ".partial"
  // A dot and its length keep it apart from all keys.
  private static let probeName = ".probe"

  let path: String
  /// Descriptor of the folder of complete uploads.
  let complete: CInt
  /// Descriptor of the folder of unfinished uploads.
  let partial: CInt
  /// Folders below `complete` whose own names are durable. One that was removed and made again is another.
  let durableFolders = Mutex<[[String]: BornFolder]>([:])
  private let identities: (complete: FolderIdentity, partial: FolderIdentity)

  /// Opens the folders at `path`, makes them where they are missing, and tries them with an empty file.
  ///
  /// - Parameter isShared: whether others may have them open that say the same.
  init(path: String, isShared: Bool = false) throws(SinkFailure) {
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
      try Self.claim(partial, isShared: isShared, shown: partialPath)
      let probe = Self.probeName + (isShared ? "." + UploadKey.mint().text.suffix(8) : "")
      try Self.probe(probe, complete: complete, partial: partial, path: path)
    } catch {
      if partial >= 0 { close(partial) }
      close(complete)
      throw error
    }
    guard let ofComplete = FolderIdentity(of: complete), let ofPartial = FolderIdentity(of: partial) else {
      let code = errno
      close(partial)
      close(complete)
      throw .system("looking at", path, code)
    }
    self.path = path
    self.complete = complete
    self.partial = partial
    identities = (ofComplete, ofPartial)
  }

  deinit {
    close(partial)
    close(complete)
  }

  /// Gives up the claim to the place, for another process that takes over from this one. Folders stay open.
  func giveUpClaim() { flock(partial, LOCK_UN) }

  /// Of the folder of unfinished uploads.
  var partialPath: String { path + "/" + Self.partialName }

  /// Whether the paths still name the folders that are held open.
  var isAtItsPath: Bool {
    // By the paths, whatever is mounted or linked there now.
    FolderIdentity(at: path) == identities.complete && FolderIdentity(at: partialPath) == identities.partial
  }

  /// What an unfinished upload's place is called in messages. Keys are secrets, so only the log's part of one is in it.
  func partialPlace(_ key: UploadKey) -> String { "\(path)/\(Self.partialName)/\(key.logID)…" }

  /// What a complete upload's place is called in messages.
  func completePlace(_ key: UploadKey) -> String { "\(path)/\(key.logID)…" }

  /// Makes the names in the folder of unfinished uploads durable.
  func syncPartial() throws(SinkFailure) { try Self.sync(partial, shown: path + "/" + Self.partialName) }

  /// What a sidecar is called until it has its place.
  static func partialSidecar(_ key: UploadKey) -> String { key.text + ".json" }

  /// Removes an unfinished upload's file. One that is not there is no failure.
  func removePartial(_ key: UploadKey) throws(SinkFailure) {
    unlinkat(partial, Self.partialSidecar(key), 0)
    if unlinkat(partial, key.text, 0) != 0, errno != ENOENT {
      throw .system("removing", partialPlace(key), errno)
    }
  }

  /// Removes all of an upload that the ledger does not call complete: also the file of one that got its final name and
  /// the ledger never heard of, or is to forget. What is not there is no failure, and another's file in its place is left
  /// alone.
  func removeIncomplete(_ key: UploadKey, form: StoredForm?) throws(SinkFailure) {
    let unfinished = try status(of: key.text, in: partial, shown: partialPlace(key))
    try removePartial(key)
    try syncPartial()
    guard let form, let folder = try folder(of: form.place) else { return }
    if let unfinished {
      let final = try status(of: form.place.name, in: folder.descriptor, shown: completePlace(key))
      guard final == nil || final?.inode == unfinished.inode else { return }
    }
    var isChanged = false
    // The sidecar last: a complete file is never without it.
    for name in [form.place.name] + (form.hasSidecar ? [form.place.sidecar] : []) {
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

  private static func claim(_ partial: CInt, isShared: Bool, shown: String) throws(SinkFailure) {
    // File systems without locks say other things than EWOULDBLOCK, and are taken without this protection.
    if uninterrupted({ flock(partial, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) }) != 0, errno == EWOULDBLOCK {
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
  private static func probe(
    _ probeName: String, complete: CInt, partial: CInt, path: String
  ) throws(SinkFailure) {
    let advice = "the gateway's user must be able to write there, and both folders must be on one file system"
    for folder in [complete, partial] { unlinkat(folder, probeName, 0) }
    let file = uninterrupted {
      sluice_open_beneath(partial, probeName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    }
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
    // calls the file has both names, and where the second fails it keeps them: recovery removes the first, and a sink that
    // finds both takes the upload for what it is.
    guard code == EINVAL || code == ENOSYS else { return code }
    guard linkat(from, name, to, newName, 0) == 0 else { return errno }
    unlinkat(from, name, 0)
    return 0
  }
}

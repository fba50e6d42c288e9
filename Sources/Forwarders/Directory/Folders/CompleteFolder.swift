internal import CLinux
internal import GatewayCore
internal import Glibc
internal import NIOCore
internal import Synchronization

/// A folder of complete uploads, held open.
final class CompleteFolder {
  let descriptor: CInt
  private let isOwned: Bool
  private let shown: String

  init(descriptor: CInt, isOwned: Bool, shown: String) {
    self.descriptor = descriptor
    self.isOwned = isOwned
    self.shown = shown
  }

  deinit {
    if isOwned { close(descriptor) }
  }

  /// Makes the names in it durable.
  func sync() throws(SinkFailure) {
    try StoreDirectory.sync(descriptor, shown: shown)
  }
}

extension StoreDirectory {
  /// The folder of a complete upload, held open. No link is followed on the way there.
  ///
  /// - Parameter making: makes what is missing, durably.
  /// - Returns: `nil` only where a folder is missing and none was to be made.
  func folder(of place: FinalPlace, making: Bool = false) throws(SinkFailure) -> CompleteFolder? {
    var folder = CompleteFolder(descriptor: complete, isOwned: false, shown: path)
    for depth in place.folders.indices {
      let route = Array(place.folders[...depth])
      let shown = path + "/" + route.joined(separator: "/")
      if making, mkdirat(folder.descriptor, place.folders[depth], 0o750) != 0, errno != EEXIST {
        throw .system("making the folder", shown, errno)
      }
      let next = uninterrupted {
        sluice_open_beneath(folder.descriptor, place.folders[depth], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0)
      }
      guard next >= 0 else {
        if errno == ENOENT, !making { return nil }
        throw .system(
          "opening the folder", shown, errno, advice: "it must be a folder that the gateway may use, and no link to one"
        )
      }
      let child = CompleteFolder(descriptor: next, isOwned: true, shown: shown)
      if making { try makeDurable(child, called: route, in: folder) }
      folder = child
    }
    return folder
  }

  /// One that another upload, or another program, has just made may not be durable yet.
  private func makeDurable(
    _ folder: CompleteFolder, called route: [String], in parent: CompleteFolder
  ) throws(SinkFailure) {
    let born = BornFolder(of: folder.descriptor)
    guard born == nil || durableFolders.withLock({ $0[route] }) != born else { return }
    try parent.sync()
    durableFolders.withLock { known in
      if known.count >= 4096 { known.removeAll() }
      known[route] = born
    }
  }

  /// Writes an upload's sidecar, durably; one from an attempt that failed is replaced.
  func place(
    _ text: String, of key: UploadKey, beside final: FinalPlace, in folder: CompleteFolder
  ) throws(SinkFailure) {
    let shown = completePlace(key) + ".json"
    // Another's file is never replaced, and keeps its sidecar too.
    guard faccessat(folder.descriptor, final.name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 else {
      throw .system("moving \(partialPlace(key)) to", completePlace(key), EEXIST)
    }
    let name = Self.partialSidecar(key)
    unlinkat(partial, name, 0)
    let file = uninterrupted {
      sluice_open_beneath(partial, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o640)
    }
    guard file >= 0 else { throw .system("making", shown, errno) }
    defer { close(file) }
    do throws(SinkFailure) {
      let code = VectoredWrite.write([ByteBuffer(string: text)], to: file, at: 0)
      guard code == 0 else { throw .system("writing", shown, code) }
      guard fchmod(file, 0o640) == 0 else { throw .system("setting the mode of", shown, errno) }
      guard uninterrupted({ fsync(file) }) == 0 else { throw .system("syncing", shown, errno) }
      guard renameat(partial, name, folder.descriptor, final.sidecar) == 0 else {
        throw .system("moving into place", shown, errno)
      }
    } catch {
      unlinkat(partial, name, 0)
      throw error
    }
    try folder.sync()
  }
}

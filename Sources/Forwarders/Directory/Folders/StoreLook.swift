package import GatewayCore
internal import Glibc

/// What is to be seen of a store from outside. Looking changes nothing, so that a disk that is not mounted can be told from
/// a new store before anything is made or removed.
package struct StoreLook: Sendable {
  /// Whether the folder of unfinished uploads is there, which every store has.
  package var isStore = false
  /// What tells it from other stores.
  package var mark: StoreMark?
  /// Why its mark cannot be read, where there is one.
  package var markFault: String?
  /// The unfinished uploads of which there is a file, by their keys' text.
  package var unfinished: Set<String> = []
}

extension DirectoryStore.Settings {
  /// Looks at the store's folder.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` where it is there and cannot be looked at.
  package func look() throws(SinkFailure) -> StoreLook {
    var look = StoreLook()
    let shown = directory + "/" + StoreDirectory.partialName
    let partial = uninterrupted { open(shown, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW) }
    guard partial >= 0 else {
      if errno == ENOENT { return look }
      throw .system("opening the folder", shown, errno)
    }
    defer { close(partial) }
    look.isStore = true
    do throws(SinkFailure) {
      look.mark = try StoreMark.read(in: partial, shown: shown)
    } catch {
      guard case .storage(let reason) = error else { throw error }
      look.markFault = reason
    }
    look.unfinished = Set(
      try StoreDirectory.names(in: partial, shown: shown).filter { UploadKey($0) != nil })
    return look
  }

  /// Makes a folder the store of a route, by hand: makes what is missing of it, and gives it a mark in place of any other.
  ///
  /// - Throws: ``SinkFailure/storage(_:)``, also where a gateway is using the folder.
  package func adopt(_ mark: StoreMark) throws(SinkFailure) {
    let folders = try StoreDirectory(path: directory, isShared: isShared)
    try mark.write(into: folders.partial, replacing: true, shown: folders.partialPath)
  }
}

public import GatewayCore
internal import Glibc

extension DirectoryStore.Settings {
  /// Where the file of a complete upload is, by what the ledger has of it.
  public func finalPath(of upload: UploadRecord) -> String {
    directory + "/" + upload.key.text
  }

  /// Whether the file of a complete upload is in its place, whatever it has become since.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` where the system does not say, which is not the same as missing.
  public func isPresent(_ upload: UploadRecord) throws(SinkFailure) -> Bool {
    var status = stat()
    if lstat(finalPath(of: upload), &status) == 0 { return true }
    if errno == ENOENT { return false }
    throw .system("looking at", "\(directory)/\(upload.key.logID)…", errno)
  }

  /// Throws where the store itself is not there: a disk that is not mounted must not look as if all files had been
  /// deleted. The folder of unfinished uploads, which every store has, tells a store from an empty folder.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` with the path and what to do.
  public func checkStoreIsThere() throws(SinkFailure) {
    let partial = directory + "/" + StoreDirectory.partialName
    var status = stat()
    guard lstat(partial, &status) == 0 else {
      throw .system(
        "looking for the store's own folder", partial, errno, advice: "mount its disk, or start the gateway once")
    }
  }
}

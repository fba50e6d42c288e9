public import GatewayCore
internal import Glibc

extension DirectoryStore.Settings {
  /// Where the file of a complete upload is, by what the ledger has of it.
  public func finalPath(of upload: UploadRecord) -> String {
    directory + "/" + name.place(for: NameFacts(upload), suffix: suffix).path
  }

  /// Whether the file of a complete upload is in its place, whatever it has become since. Files from before `gzip` or
  /// `name` was said are in the place that they had without.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` where the system does not say, which is not the same as missing.
  public func isPresent(_ upload: UploadRecord) throws(SinkFailure) -> Bool {
    for possible in possiblePlaces(of: NameFacts(upload)) {
      var status = stat()
      if lstat(directory + "/" + possible.place.path, &status) == 0 { return true }
      guard errno == ENOENT else { throw .system("looking at", "\(directory)/\(upload.key.logID)…", errno) }
    }
    return false
  }

  /// Where a complete upload's file may be, as far as the configuration tells.
  func possiblePlaces(of facts: NameFacts) -> [PossiblePlace] {
    Set([name, .key]).flatMap { template in
      [
        PossiblePlace(place: template.place(for: facts, suffix: ""), isSqueezed: false),
        PossiblePlace(place: template.place(for: facts, suffix: Self.gzipSuffix), isSqueezed: true),
      ]
    }
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

/// Where a complete upload's file may be.
struct PossiblePlace: Sendable {
  var place: FinalPlace
  /// Whether the file would be gzip's.
  var isSqueezed: Bool
}

package import GatewayCore
internal import Glibc

extension DirectoryStore.Settings {
  /// Where the file of a complete upload is, by what the ledger has of it.
  package func finalPath(of upload: UploadRecord) -> String {
    let facts = upload.facts
    let form = (try? form(upload.storeState, of: facts)) ?? form(ofNew: facts)
    return directory + "/" + form.place.path
  }

  /// Whether the file of a complete upload is in its place, whatever it has become since. Those of an older release,
  /// which recorded no place, are in the one that they have now, or that they had without `gzip` or `name`.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` where that cannot be found out, which is not the same as missing.
  package func isPresent(_ upload: UploadRecord) throws(SinkFailure) -> Bool {
    for form in try possibleForms(of: upload) {
      var status = stat()
      if lstat(directory + "/" + form.place.path, &status) == 0 { return true }
      guard errno == ENOENT else { throw .system("looking at", "\(directory)/\(upload.key.logID)…", errno) }
    }
    return false
  }

  /// How a complete upload is kept, or may be.
  ///
  /// - Throws: ``SinkFailure/storage(_:)`` where the ledger says what this release does not know.
  func possibleForms(of upload: UploadRecord) throws(SinkFailure) -> [StoredForm] {
    let form = try form(upload.storeState, of: upload.facts)
    return form.isRecorded ? [form] : possiblePlaces(of: upload.facts)
  }

  /// Where a complete upload's file may be of which the ledger has no place, as far as the configuration tells.
  func possiblePlaces(of facts: UploadFacts) -> [StoredForm] {
    Set([name, .key]).flatMap { template in
      [false, true].map { isCompressed in
        StoredForm(
          isCompressed: isCompressed, hasSidecar: metadata == .sidecar,
          place: template.place(for: facts, suffix: StoredForm.suffix(isCompressed: isCompressed)), isRecorded: false)
      }
    }
  }
}

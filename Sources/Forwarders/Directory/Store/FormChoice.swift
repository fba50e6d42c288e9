internal import GatewayCore

extension DirectoryStore.Settings {
  /// How an upload that begins now is kept.
  func form(ofNew facts: UploadFacts) -> StoredForm {
    // A part never gets a place of its own.
    guard facts.role != .part else { return .ofPart(facts.key, isCompressed: engine != nil) }
    return StoredForm(
      isCompressed: engine != nil, hasSidecar: metadata == .sidecar, place: name.place(for: facts, suffix: suffix))
  }

  /// How an upload is kept of which the ledger has `state`.
  func form(_ state: String?, of facts: UploadFacts) throws(SinkFailure) -> StoredForm {
    guard let state else {
      var form = form(ofNew: facts)
      form.isRecorded = false
      return form
    }
    guard let form = StoredForm(state, of: facts.key) else {
      throw .storage(
        "the ledger says of \(directory)/\(facts.key.logID)… what this release does not know; "
          + "use the release that wrote it")
    }
    return form
  }
}

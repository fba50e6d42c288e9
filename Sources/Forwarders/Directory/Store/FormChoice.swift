internal import GatewayCore

extension DirectoryStore.Settings {
  /// How an upload that begins now is kept.
  func form(ofNew facts: UploadFacts) -> StoredForm {
    StoredForm(
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

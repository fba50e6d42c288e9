/// What a sink has to know of its upload.
package struct SinkUpload: Sendable {
  /// What is known of the upload. Where ``UploadFacts/digest`` is there, the sink computes and compares it.
  package var facts: UploadFacts
  /// Who sends. Of an upload that another connection goes on with, the one that does.
  package var client: ClientIdentity
  /// How the bytes come.
  package var transfer: TransferTerms
  /// ``UploadRecord/storeState``.
  package var state: String?
  /// Whether another connection had it before.
  package var isResumed: Bool
  /// Folders that it goes to below the store's own; of one whose ``state`` says where it goes they say nothing.
  package var folders: [String] = []

  /// All of it.
  package init(
    facts: UploadFacts, client: ClientIdentity = .anonymous(address: "unknown"),
    transfer: TransferTerms = TransferTerms(buffer: 1), state: String? = nil, isResumed: Bool = false
  ) {
    self.facts = facts
    self.client = client
    self.transfer = transfer
    self.state = state
    self.isResumed = isResumed
  }

  /// What it is known by.
  package var key: UploadKey { facts.key }
}

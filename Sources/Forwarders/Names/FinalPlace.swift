internal import GatewayCore

/// What a name may be made of. The same at every connection, and after a restart.
struct NameFacts: Sendable {
  var key: UploadKey
  var createdAt: WallTime
  var label: String?
  /// ``ClientIdentity/owner``.
  var owner: String
}

extension NameFacts {
  init(_ upload: SinkUpload) {
    self.init(key: upload.key, createdAt: upload.createdAt, label: upload.label, owner: upload.client.owner)
  }

  init(_ record: UploadRecord) {
    self.init(key: record.key, createdAt: record.createdAt, label: record.label, owner: record.owner)
  }
}

/// Where a complete upload's file goes, below the store's directory.
struct FinalPlace: Hashable, Sendable {
  /// None of them is empty or begins with a dot.
  var folders: [String]
  var name: String

  /// What is known of the upload, beside it.
  var sidecar: String { name + ".json" }
  var path: String { (folders + [name]).joined(separator: "/") }
}

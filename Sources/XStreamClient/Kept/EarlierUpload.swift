import XStream

/// What an earlier run kept of a file's upload, and whether this run goes on with it.
package enum EarlierUpload {
  /// Nothing is kept.
  case none
  /// Another run sends the file just now. x-stream's server would tell that run; over HTTP the two would take the upload from
  /// each other for ever.
  case inUse
  case goesOn(StateFolder.Record, PrefixProof?)
  /// Nobody can go on with it, and why.
  case useless(StateFolder.Record, UploadHandle, reason: String)

  package init(of file: FileIdentity, to url: UploadURL, format: StreamFormat, in folder: StateFolder) {
    guard let record = folder.record(of: file, url: url), let key = UploadHandle(record.key) else {
      self = .none
      return
    }
    let proof = folder.proof(of: record)
    if key.url != nil, folder.isInUse(record) {
      self = .inUse
    } else if record.file.size != file.size {
      self = .useless(record, key, reason: "it had \(record.file.size) bytes then, and has \(file.size) now")
    } else if let earlier = record.format, earlier != format.name {
      self = .useless(record, key, reason: "it was sent as \(earlier)")
    } else if key.url != nil, proof == nil {
      // x-stream's server compares a digest of the whole then; over HTTP none can be announced any more.
      self = .useless(record, key, reason: "nobody knows what was sent of it")
    } else {
      self = .goesOn(record, proof)
    }
  }
}

import FoundationEssentials
import XStream
import XStreamClient

/// What an earlier run kept of a file's upload, and who keeps this run's.
struct Keeping {
  let identity: FileIdentity?
  /// Nil where no later run can go on with it.
  private(set) var keeper: UploadKeeper?
  /// What this run goes on with.
  private(set) var record: StateFolder.Record?
  private(set) var proof: PrefixProof?
  /// Another run sends the file just now. x-stream's server would tell that run; over HTTP the two would take the upload from
  /// each other for ever.
  private(set) var isInUse = false

  /// Looks for an earlier run's upload; one that nobody can go on with is given up.
  init(_ identity: FileIdentity?, of upload: FileUpload, _ display: inout SendDisplay) async {
    self.identity = identity
    guard let identity, !upload.command.noResume,
      let folder = StateFolder(environment: ProcessInfo.processInfo.environment)
    else { return }
    let format = StreamFormat(upload.command.format) ?? .bytes
    let keeper = UploadKeeper(folder, file: identity, url: upload.url, format: format)
    self.keeper = keeper
    guard let record = folder.record(of: identity, url: upload.url), let key = UploadHandle(record.key) else { return }
    guard key.url == nil || !folder.isInUse(record) else {
      isInUse = true
      return
    }
    let reason: String
    if record.file.size != identity.size {
      reason = "it had \(record.file.size) bytes then, and has \(identity.size) now"
    } else if let earlier = record.format, earlier != format.name {
      reason = "it was sent as \(earlier)"
    } else if key.url != nil, folder.proof(of: record) == nil {
      // x-stream's server compares a digest of the whole then; over HTTP none can be announced any more.
      reason = "nobody knows what was sent of it"
    } else {
      self.record = record
      proof = folder.proof(of: record)
      keeper.goesOn(with: record, proof: proof)
      return
    }
    display.say("\(upload.file.text): an earlier run's upload is given up: \(reason). Beginning anew.")
    await upload.giveUp(key, record.dialect, &display)
    folder.remove(key, ofFileAt: record.file.path, url: upload.url)
  }
}

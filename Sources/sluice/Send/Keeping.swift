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
    let earlier = EarlierUpload(of: identity, to: upload.url, format: format, in: folder)
    switch earlier {
    case .none: break
    case .inUse: isInUse = true
    case .goesOn(let record, let proof):
      (self.record, self.proof) = (record, proof)
      keeper.goesOn(with: record, proof: proof)
    case .useless(let record, let key, let reason):
      display.say("\(upload.file.text): an earlier run's upload is given up: \(reason). Beginning anew.")
      await upload.giveUp(key, record.dialect, &display)
      folder.remove(key, ofFileAt: record.file.path, url: upload.url)
    }
  }
}

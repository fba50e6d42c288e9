import ArgumentParser
import FoundationEssentials
import XStream
import XStreamClient

/// Which upload `sluice ask` and `sluice give-up` speak of: one that `sluice send` keeps the key of, or a key.
enum KeptUpload {
  struct Found {
    var key: UploadHandle
    /// Over HTTP the way in which it began.
    var dialect: String?
    /// Where the key is kept.
    var folder: StateFolder?
    var path: LocalPath?
    var total: Int64?
  }

  /// Looks a file up. The file need not be there any more.
  static func find(_ word: String, url: UploadURL) -> Found? {
    guard let folder = StateFolder(environment: ProcessInfo.processInfo.environment),
      let file = FileArgument.list([word]).first
    else { return nil }
    let identity = (try? FileToSend(file.path))?.identity
    let record = identity.flatMap { folder.record(of: $0, url: url) }
    guard let record = record ?? folder.record(ofFileAt: file.path.resolved, url: url),
      let key = UploadHandle(record.key)
    else { return nil }
    return Found(key: key, dialect: record.dialect, folder: folder, path: record.file.path, total: record.file.size)
  }

  /// Reads a key; `-` stands for the first line of standard input, because other users see the process list.
  static func key(_ word: String) throws -> StreamKey {
    let text = word == "-" ? readLine() ?? "" : word
    guard let key = StreamKey(text) else {
      throw ValidationError("A key has 16 to 128 of A-Z a-z 0-9 - _.")
    }
    return key
  }

  /// Reads the URL of an upload over HTTP; `-` as in ``key(_:)``.
  static func place(_ word: String) throws -> UploadHandle {
    let text = word == "-" ? readLine() ?? "" : word
    guard let handle = UploadHandle(text), handle.url != nil else {
      throw ValidationError("One word alone has to be the https:// URL of an upload, or - to read it.")
    }
    return handle
  }

  static let nothingKept = "No unfinished upload of this file to this URL is known here."
}

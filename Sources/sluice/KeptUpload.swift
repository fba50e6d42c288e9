import ArgumentParser
import FoundationEssentials
import XStream
import XStreamClient

/// Which upload `sluice ask` and `sluice give-up` speak of: one that `sluice send` keeps the key of, or a key.
enum KeptUpload {
  struct Found {
    var key: StreamKey
    /// Where the key is kept.
    var folder: StateFolder?
    var path: String?
    var total: Int64?
  }

  /// Looks a file up. The file need not be there any more.
  static func find(_ file: String, url: XStreamURL) -> Found? {
    guard let folder = StateFolder(environment: ProcessInfo.processInfo.environment) else { return nil }
    let path = (try? FileIdentity(of: file))?.path ?? absolute(file)
    guard let record = folder.record(ofFileAt: path, url: url), let key = StreamKey(record.key) else { return nil }
    return Found(key: key, folder: folder, path: path, total: record.file.size)
  }

  /// Reads a key; `-` stands for the first line of standard input, because other users see the process list.
  static func key(_ word: String) throws -> StreamKey {
    let text = word == "-" ? readLine() ?? "" : word
    guard let key = StreamKey(text) else {
      throw ValidationError("A key has 16 to 128 of A-Z a-z 0-9 - _.")
    }
    return key
  }

  private static func absolute(_ file: String) -> String {
    file.hasPrefix("/") ? file : FileManager.default.currentDirectoryPath + "/" + file
  }

  static let nothingKept = "No unfinished upload of this file to this URL is known here."
}

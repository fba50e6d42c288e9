import ContentDigests
import FoundationEssentials
public import XStream

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Keeps the keys of unfinished uploads in a folder, so that a later run goes on with them.
///
/// A key is kept beside the file's identity and the URL, and counts only as long as both are the same. The folder and its
/// files are their owner's alone, because for a client without an identity the key alone speaks.
public struct StateFolder: Sendable {
  /// An unfinished upload.
  public struct Record: Hashable, Sendable, Codable {
    /// The file as it was when the upload began.
    public var file: FileIdentity
    /// Where it goes, as ``XStreamURL/description``.
    public var url: String
    /// The stream's key.
    public var key: String

    /// A record.
    public init(file: FileIdentity, url: XStreamURL, key: StreamKey) {
      self.file = file
      self.url = url.description
      self.key = key.text
    }
  }

  /// The largest file that is read, in bytes.
  private static let largestRecord = 64 << 10

  /// The folder's path.
  public let path: String

  /// A folder, made with the first record.
  public init(path: String) {
    self.path = path
  }

  /// The user's own: `$XDG_STATE_HOME/sluice`, or `~/.local/state/sluice`; nil if neither variable is an absolute path
  /// (XDG Base Directory Specification 0.8).
  public init?(environment: [String: String]) {
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      path = state + "/sluice"
    } else if let home = environment["HOME"], home.hasPrefix("/") {
      path = home + "/.local/state/sluice"
    } else {
      return nil
    }
  }

  /// What is kept for a path and a URL, whether or not the file is still the same. A record that cannot be read counts
  /// as none.
  public func record(ofFileAt path: String, url: XStreamURL) -> Record? {
    let descriptor = open(place(path, url), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Self.largestRecord)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { memory in
        read(descriptor, memory.baseAddress.map { $0 + filled }, memory.count - filled)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      filled += count
    }
    guard let record = try? JSONDecoder().decode(Record.self, from: Data(bytes[..<filled])),
      record.url == url.description, record.file.path == path
    else { return nil }
    return record
  }

  /// The key to go on with; nil if there is none, or the file is not the one any more that the upload began with.
  public func key(for file: FileIdentity, url: XStreamURL) -> StreamKey? {
    guard let record = record(ofFileAt: file.path, url: url), record.file == file else { return nil }
    return StreamKey(record.key)
  }

  /// Keeps a record in place of an earlier one for the same path and URL.
  ///
  /// - Throws: ``StateFolderError``.
  public func keep(_ record: Record) throws(StateFolderError) {
    try makeFolder()
    guard let url = try? XStreamURL(record.url), let bytes = try? JSONEncoder().encode(record) else {
      throw StateFolderError("\(path): a record cannot be written")
    }
    let place = place(record.file.path, url)
    let draft = place + ".\(getpid()).\(UInt32.random(in: 0 ... .max))"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw StateFolderError(draft, errno) }
    // So short a write is not interrupted, and a partial one means that the disk is full.
    let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    let code = written < 0 ? errno : ENOSPC
    close(descriptor)
    guard written == bytes.count else {
      unlink(draft)
      throw StateFolderError(draft, code)
    }
    guard rename(draft, place) == 0 else {
      let code = errno
      unlink(draft)
      throw StateFolderError(place, code)
    }
  }

  /// Removes what is kept for a path and a URL, if it has this key: another run may have begun another upload since.
  public func remove(_ key: StreamKey, ofFileAt path: String, url: XStreamURL) {
    guard record(ofFileAt: path, url: url)?.key == key.text else { return }
    unlink(place(path, url))
  }

  /// The file of a record. Its name is a hash, because a path may be longer than a name can be.
  private func place(_ file: String, _ url: XStreamURL) -> String {
    let hasher = SHA256Hasher()
    Array("\(url)\n\(file)".utf8).withUnsafeBytes { hasher.update($0) }
    let digits = Array("0123456789abcdef".utf8)
    let name = hasher.finish().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return path + "/" + String(decoding: name, as: UTF8.self) + ".json"
  }

  private func makeFolder() throws(StateFolderError) {
    var end = path.startIndex
    while end < path.endIndex {
      end = path[path.index(after: end)...].firstIndex(of: "/") ?? path.endIndex
      guard mkdir(String(path[..<end]), 0o700) == 0 || errno == EEXIST else {
        // Above it a directory may be there and not be ours to make.
        let code = errno
        var status = stat()
        guard stat(String(path[..<end]), &status) == 0 else { throw StateFolderError(String(path[..<end]), code) }
        continue
      }
    }
    guard chmod(path, 0o700) == 0 else { throw StateFolderError(path, errno) }
  }
}

/// Why a key could not be kept. The upload itself does not suffer, but a later run cannot go on with it.
public struct StateFolderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One line for a person.
  public let description: String

  init(_ description: String) {
    self.description = description
  }

  init(_ path: String, _ code: CInt) {
    description = "\(path): \(String(cString: strerror(code)))"
  }
}

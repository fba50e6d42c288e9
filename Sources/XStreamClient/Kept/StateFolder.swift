import ContentDigests
import TextForms
public import XStream

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps the keys and URLs of unfinished uploads in a folder, so that a later run goes on with them.
///
/// A key is kept beside the file's identity and the URL, which find it again; whether the file is still the same is for
/// the record's proof to say. The folder and its files are their owner's alone, because for a client without an
/// identity the key alone speaks.
public struct StateFolder: Sendable {
  /// An unfinished upload.
  public struct Record: Hashable, Sendable, Codable {
    /// The file as it was when the upload began.
    public var file: FileIdentity
    /// Where it goes, as ``UploadURL/description``.
    public var url: String
    /// The upload's ``UploadHandle``.
    public var key: String
    /// Over HTTP the way in which it began.
    public var dialect: String?
    /// The data format's name; nil in what an earlier version kept.
    public var format: String?

    /// A record.
    public init(
      file: FileIdentity, url: UploadURL, key: UploadHandle, format: StreamFormat = .bytes, dialect: String? = nil
    ) {
      self.file = file
      self.url = url.description
      self.key = key.text
      self.format = format.name
      self.dialect = dialect
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
  public func record(ofFileAt path: LocalPath, url: UploadURL) -> Record? {
    guard let record = read(place(path, url.description) + ".json"), record.url == url.description,
      record.file.path == path
    else {
      return nil
    }
    return record
  }

  /// What is kept for a file and a URL: by the file's path, or for a file that has moved by its size and its name or
  /// inode. A disk that is plugged in again may have another place, and a snapshot another device.
  public func record(of file: FileIdentity, url: UploadURL) -> Record? {
    record(ofFileAt: file.path, url: url) ?? moved(file, url)
  }

  private func moved(_ file: FileIdentity, _ url: UploadURL) -> Record? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name.hasSuffix(".json"), let record = read(path + "/" + name), record.url == url.description else {
        continue
      }
      let old = record.file
      guard old.size == file.size, old.path.name == file.path.name || old.inode == file.inode else { continue }
      // A copy is another file, and a run that still goes on has the upload in hand.
      guard old.path.withCString({ access($0, F_OK) }) != 0, !isInUse(record) else { continue }
      return record
    }
    return nil
  }

  private func read(_ file: String) -> Record? {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Self.largestRecord)
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { memory in
        readBytes(descriptor, UnsafeMutableRawBufferPointer(rebasing: memory[filled...]))
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      filled += count
    }
    return try? JSONDecoder().decode(Record.self, from: Data(bytes[..<filled]))
  }

  /// Keeps a record in place of an earlier one for the same path and URL.
  ///
  /// - Throws: ``StateFolderError``.
  public func keep(_ record: Record) throws(StateFolderError) {
    try makeFolder()
    guard let bytes = try? JSONEncoder().encode(record) else {
      throw StateFolderError("\(path): a record cannot be written")
    }
    let place = place(record.file.path, record.url) + ".json"
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
  public func remove(_ key: UploadHandle, ofFileAt path: LocalPath, url: UploadURL) {
    guard record(ofFileAt: path, url: url)?.key == key.text else { return }
    let place = place(path, url.description)
    unlink(place + ".json")
    unlink(place + ".proof")
  }

  /// The files of a record, without their ending. The name is a hash, because a path may be longer than a name can be.
  private func place(_ file: LocalPath, _ url: String) -> String {
    let hasher = SHA256Hasher()
    (Array("\(url)\n".utf8) + file.bytes).withUnsafeBytes { hasher.update($0) }
    return path + "/" + Hexadecimal.text(hasher.finish())
  }

  // MARK: Proofs

  /// Where the proofs of an upload go while it runs.
  func proofs(of record: Record) throws(StateFolderError) -> ProofFile {
    try ProofFile(path: place(record.file.path, record.url) + ".proof", key: record.key)
  }

  /// What the last run read of the file before it stopped; nil if nobody knows.
  public func proof(of record: Record) -> PrefixProof? {
    ProofFile.read(place(record.file.path, record.url) + ".proof", key: record.key)
  }

  /// Whether a run that still goes on has the upload in hand.
  public func isInUse(_ record: Record) -> Bool {
    ProofFile.isInUse(place(record.file.path, record.url) + ".proof")
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

/// `read`, which within the type means its own.
private func readBytes(_ descriptor: CInt, _ memory: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, memory.baseAddress, memory.count)
}

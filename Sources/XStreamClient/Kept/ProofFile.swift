import TextForms

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file that the last ``PrefixProof`` of an upload is kept in, as one short line. It is written over before the
/// bytes are sent, so a server never has more than it tells; no flush is waited for, as only a power cut would take it
/// back.
final class ProofFile: Sendable {
  private static let longest = 256

  private let descriptor: CInt
  private let key: String

  /// Opens it, and says to others that it is in use.
  ///
  /// - Throws: ``StateFolderError``.
  init(path: String, key: String) throws(StateFolderError) {
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw StateFolderError(path, errno) }
    self.key = key
    // Another run with the same file takes the upload over; its server tells the older one.
    _ = flock(descriptor, LOCK_EX | LOCK_NB)
    // A line of another key is no proof of this one.
    if Self.read(path, key: key) == nil { _ = ftruncate(descriptor, 0) }
  }

  deinit {
    close(descriptor)
  }

  /// - Throws: ``StateFolderError``.
  func write(_ proof: PrefixProof) throws(StateFolderError) {
    // Every line has the same length, so that nothing of an earlier one is left.
    let number = String(proof.end)
    let zeros = String(repeating: "0", count: 19 - number.utf8.count)
    let bytes = Array("\(zeros)\(number) \(Hexadecimal.text(proof.digest)) \(key)\n".utf8)
    let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    guard written == bytes.count else {
      throw StateFolderError("the proof of what was sent", written < 0 ? errno : ENOSPC)
    }
  }

  static func read(_ path: String, key: String) -> PrefixProof? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: longest)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { return nil }
    let words = String(decoding: bytes[..<count], as: UTF8.self).split(separator: " ")
    guard words.count == 3, words[2] == key + "\n", let end = Int64(words[0]), end >= 0,
      let digest = Hexadecimal.bytes(words[1]), digest.count == 32
    else { return nil }
    return PrefixProof(end: end, digest: digest)
  }

  static func isInUse(_ path: String) -> Bool {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
  }
}

import ContentDigests
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads a file in order, for one upload, and holds whatever is read again against what was read before: the server
/// must not get one version's beginning and another's end.
///
/// Bytes that were read are known by their digest. They are read again after a lost connection, in a later run, and
/// when the file's times say that it may have been changed; in the end too, so that no last byte is sent of a mixture.
///
/// Unchecked, because the compiler cannot see the turns: whoever reads waits for one call before the next, so it always
/// has one owner. ``cancel()`` alone is for others.
final class FileReading: @unchecked Sendable {
  static let portion: Int64 = 512 << 10

  let file: OpenFile
  /// The file's size when it was opened, which is what is announced.
  let size: Int64
  private let isOver = Atomic(false)
  /// Whether a digest of the whole is announced. The server then notices changes that cannot be noticed here.
  var isDigestAnnounced = false

  /// The farthest that was ever read, in this run or the one before.
  private(set) var reached: PrefixProof
  private var hash = PrefixHash()
  /// The file's, when its content was last known to be what was read.
  private var stamp: FileStamp
  private var isSuspect = false
  /// How many bytes from the start were read a second time and were the same.
  private var verified: Int64 = 0
  /// Holds bytes that are read for their digest and not sent.
  private let scratch = FilePortion()
  private let onProof: (@Sendable (PrefixProof) -> Void)?

  /// - Parameters:
  ///   - earlier: what an earlier run read.
  ///   - onProof: called with what will have been sent before it is sent.
  init(_ file: OpenFile, earlier: PrefixProof?, onProof: (@Sendable (PrefixProof) -> Void)?) {
    self.file = file
    self.onProof = onProof
    size = file.stamp.size
    stamp = file.stamp
    reached = earlier ?? .empty
  }

  /// Reads on, up to a byte and no longer than one turn.
  ///
  /// - Returns: whether the byte is reached.
  func advance(to end: Int64) throws(FeedError) -> Bool {
    let turn = min(end, hash.count + (8 << 20))
    while hash.count < turn { try read(scratch, turn - hash.count) }
    return hash.count >= end
  }

  /// Stops reading, because nobody wants the bytes any more. Any thread may call this, also during a read.
  func cancel() { isOver.store(true, ordering: .relaxed) }

  /// Bytes read so far.
  var position: Int64 { hash.count }

  /// Goes to the byte that a connection begins at.
  func go(to offset: Int64) throws(FeedError) {
    guard offset <= reached.end || isDigestAnnounced else { throw .unproved(path: file.path) }
    if hash.count > offset { hash.goBack(to: offset) }
    while hash.count < offset { try read(scratch, offset - hash.count) }
  }

  /// Reads the next bytes, to be sent.
  func fill(_ portion: FilePortion, _ count: Int64) throws(FeedError) {
    let before = reached.end
    try read(portion, count)
    try watch()
    if reached.end > before { onProof?(reached) }
  }

  private func read(_ portion: FilePortion, _ count: Int64) throws(FeedError) {
    guard !isOver.load(ordering: .relaxed) else { throw .sequence("the upload is over") }
    let offset = hash.count
    var count = min(count, Self.portion, size - offset)
    // What is read again ends where it can be compared.
    if offset < reached.end { count = min(count, reached.end - offset) }
    let filled = Int64(try portion.fill(from: file, at: offset, count: Int(count)))
    guard filled == count else { throw .ended(path: file.path, expected: size, got: offset + filled) }
    hash.update(portion.bytes)
    guard hash.count >= reached.end else { return }
    let proof = hash.proof
    guard hash.count > reached.end || proof == reached else { throw .changed(path: file.path) }
    reached = proof
  }

  /// Looks whether the file may be another than it was.
  private func watch() throws(FeedError) {
    let now = try file.currentStamp()
    let isYoung = now.isYoung
    if now != stamp || isYoung { isSuspect = true }
    guard isSuspect else { return }
    // A file that is touched all the time is verified only after each doubling.
    let isDue = hash.count >= 2 * verified && (now != stamp || !isYoung)
    guard isDue || hash.count == size else { return }
    try verify(now)
  }

  /// Reads everything again. Bytes that are the same now did not change while they were read the first time.
  private func verify(_ now: FileStamp) throws(FeedError) {
    guard now.size >= size else { throw .ended(path: file.path, expected: size, got: now.size) }
    let again = SHA256Hasher()
    let portion = FilePortion()
    var offset: Int64 = 0
    while offset < hash.count {
      guard !isOver.load(ordering: .relaxed) else { throw .sequence("the upload is over") }
      let count = min(Self.portion, hash.count - offset)
      let filled = Int64(try portion.fill(from: file, at: offset, count: Int(count)))
      guard filled == count else { throw .ended(path: file.path, expected: size, got: offset + filled) }
      again.update(portion.bytes)
      offset += count
    }
    guard again.finish() == hash.proof.digest else { throw .changed(path: file.path) }
    (stamp, verified, isSuspect) = (now, hash.count, now.isYoung)
  }
}

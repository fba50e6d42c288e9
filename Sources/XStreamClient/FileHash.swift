import ContentDigests
import NIOPosix
import XStream

/// A file's SHA-256 in the making.
///
/// Unchecked, because the compiler cannot see the turns: ``OpenFile/digest(identity:threads:progress:)`` waits for one
/// before it asks for the next, so it always has one owner.
final class FileHash: @unchecked Sendable {
  private static let turn: Int64 = 8 << 20
  private static let portion: Int64 = 512 << 10

  private let file: OpenFile
  private let identity: FileIdentity
  private let hasher = SHA256Hasher()
  private let bytes = FilePortion()
  private var done: Int64 = 0

  init(file: OpenFile, identity: FileIdentity) {
    self.file = file
    self.identity = identity
  }

  /// Goes on for one turn.
  ///
  /// - Returns: the bytes that are done.
  func advance() throws(FeedError) -> Int64 {
    let end = min(identity.size, done + Self.turn)
    while done < end {
      let count = min(Self.portion, end - done)
      try bytes.fill(from: file, at: done, count: Int(count), expecting: identity)
      hasher.update(bytes.bytes)
      done += count
    }
    return done
  }

  func finish() -> [UInt8] { hasher.finish() }
}

extension OpenFile {
  /// SHA-256 of the whole file, on a thread of the pool.
  ///
  /// - Parameter progress: called after each portion with the bytes done.
  func digest(
    identity: FileIdentity, threads: NIOThreadPool, progress: @escaping @Sendable (Int64) -> Void
  ) async throws -> StreamDigest {
    let hash = FileHash(file: self, identity: identity)
    // A turn for each few MiB: cancellation is seen, and the thread is shared.
    while true {
      try Task.checkCancellation()
      let done = try await threads.runIfActive { try hash.advance() }
      progress(done)
      if done == identity.size { break }
    }
    guard let digest = StreamDigest(bytes: hash.finish()) else { preconditionFailure("SHA-256 has 32 bytes") }
    return digest
  }
}

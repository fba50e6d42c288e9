import ContentDigests
import NIOCore
import Synchronization
import XStream

/// What an upload's connections have done, told on an event loop and read by the upload's task.
final class UploadTally: Sendable {
  private struct Counts {
    var connections = 0
    var first: Int64?
    var offer: StreamKey?
    /// Where this connection's bytes began, and how many there were on the ones before.
    var start: Int64 = 0
    var earlier: Int64 = 0
    var sent: Int64 = 0
    /// What the server has last said to be safe.
    var safe: Int64 = 0
  }

  private let counts = Mutex(Counts())

  /// - Returns: which connection this is, from 1.
  func connectionMade() -> Int {
    counts.withLock {
      $0.connections += 1
      return $0.connections
    }
  }

  func offered(_ offer: UploadOffer) {
    counts.withLock {
      if $0.first == nil { $0.first = offer.offset }
      $0.earlier += $0.sent - $0.start
      ($0.start, $0.sent) = (offer.offset, offer.offset)
      $0.offer = offer.key.stream
      $0.safe = offer.offset
    }
  }

  /// What the server has last said to be safe.
  var safe: Int64 { counts.withLock { $0.safe } }

  func progressed(_ progress: UploadProgress) {
    counts.withLock {
      $0.sent = progress.sent
      $0.safe = max($0.safe, progress.safe)
    }
  }

  /// The offer of the try that has ended, once.
  func takeOffer() -> ResumePoint? {
    counts.withLock { counts in counts.offer.take().map { ResumePoint(key: $0, safe: counts.start) } }
  }

  /// Where the stream stands that the try under way is for, with what was acknowledged since its offer. In place of
  /// ``takeOffer()``, when there is no other try.
  func takePoint() -> ResumePoint? {
    counts.withLock { counts in
      counts.offer.take().map { ResumePoint(key: $0, safe: counts.safe) }
    }
  }

  func outcome(
    _ key: UploadHandle, total: Total, digest: StreamDigest?, grownTo: Int64?, reply: ByteBuffer?
  ) -> UploadOutcome {
    counts.withLock {
      let bytes = if case .known(let total) = total { total } else { $0.sent }
      return UploadOutcome(
        key: key, bytes: bytes, sent: $0.earlier + $0.sent - $0.start, resumedFrom: $0.first ?? bytes,
        connections: $0.connections, digest: digest, grownTo: grownTo, reply: reply)
    }
  }
}

extension StreamDigest {
  /// The digest of bytes in memory.
  init?(of bytes: ByteBuffer) {
    let hasher = SHA256Hasher()
    hasher.update(bytes)
    self.init(bytes: hasher.finish())
  }
}

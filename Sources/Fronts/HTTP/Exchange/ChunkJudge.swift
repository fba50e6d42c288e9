import ContentDigests
import HTTPUpload
import NIOCore

/// Hashes the bytes of one request, and compares them with what the client says they are: in the head, or in a trailer that
/// names its algorithm only then.
final class ChunkJudge {
  private let hashers: [(algorithm: TusChecksum.Algorithm, hasher: ChunkHasher)]
  private let expected: TusChecksum?

  /// The head says what the bytes are.
  init(_ expected: TusChecksum) {
    self.expected = expected
    hashers = [(expected.algorithm, ChunkHasher(.init(expected.algorithm)))]
  }

  /// A trailer will say what the bytes are, by one of these algorithms.
  init(anyOf algorithms: [TusChecksum.Algorithm]) {
    expected = nil
    hashers = algorithms.map { ($0, ChunkHasher(.init($0))) }
  }

  func take(_ bytes: ByteBuffer) {
    bytes.withUnsafeReadableBytes { for entry in hashers { entry.hasher.update($0) } }
  }

  /// Whether the bytes are what the client said. Once, at their end.
  ///
  /// - Parameter trailer: what the trailers brought.
  func isRight(_ trailer: TusChecksum? = nil) -> Bool {
    guard let said = trailer ?? expected, let entry = hashers.first(where: { $0.algorithm == said.algorithm }) else {
      return false
    }
    return entry.hasher.finish() == said.expected
  }
}

extension ChunkHasher.Algorithm {
  init(_ algorithm: TusChecksum.Algorithm) {
    switch algorithm {
    case .sha1: self = .sha1
    case .sha256: self = .sha256
    case .sha512: self = .sha512
    case .md5: self = .md5
    case .crc32: self = .crc32
    }
  }
}

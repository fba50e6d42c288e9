public import NIOCore
import XStream

/// Where an upload's bytes come from.
public struct UploadSource: Sendable {
  enum Kind: Sendable {
    case path(LocalPath)
    case file(FileToSend)
    case bytes(ByteBuffer)
    case sequence(total: Int64?, window: Int, SequenceReader)
  }

  let kind: Kind

  /// A file. Its total is its size; it is read in portions, off the event loop, and may be read again. The upload
  /// fails, before it is complete, if bytes that were sent change while it runs. What has no size that can be trusted
  /// (see ``FileToSend/identity``) goes as a stream of unknown length, as ``sequence(_:total:window:)`` does.
  public static func file(_ path: String) -> UploadSource {
    UploadSource(kind: .path(LocalPath(path)))
  }

  /// A file that is open already.
  public static func file(_ file: FileToSend) -> UploadSource {
    UploadSource(kind: .file(file))
  }

  /// Bytes in memory.
  public static func bytes(_ bytes: ByteBuffer) -> UploadSource {
    UploadSource(kind: .bytes(bytes))
  }

  /// Bytes in memory, such as an array's or a `Data`'s.
  public static func bytes(_ bytes: some Sequence<UInt8>) -> UploadSource {
    UploadSource(kind: .bytes(ByteBuffer(bytes: bytes)))
  }

  /// A sequence that is read once. What was sent and is not safe yet stays in memory, so that the upload survives a
  /// lost connection; while the window is full the sequence is not read.
  ///
  /// - Parameters:
  ///   - bytes: in pieces of any size.
  ///   - total: all bytes, if the caller knows; otherwise the end of the sequence ends the stream.
  ///   - window: bytes that may be in memory, with one element of the sequence on top; at least 10 MiB, because a
  ///     server may space its progress packets by 8 MiB.
  public static func sequence<Bytes: AsyncSequence & Sendable>(
    _ bytes: Bytes, total: Int64? = nil, window: Int = 16 << 20
  ) -> UploadSource where Bytes.Element == ByteBuffer {
    .sequence(bytes, total: total, exactWindow: max(window, 10 << 20))
  }

  /// With a window of any size, for tests.
  static func sequence<Bytes: AsyncSequence & Sendable>(
    _ bytes: Bytes, total: Int64? = nil, exactWindow window: Int
  ) -> UploadSource where Bytes.Element == ByteBuffer {
    UploadSource(kind: .sequence(total: total, window: window, reader(of: bytes)))
  }

  static func reader<Bytes: AsyncSequence & Sendable>(
    of bytes: Bytes
  ) -> SequenceReader where Bytes.Element == ByteBuffer {
    { consume in
      for try await chunk in bytes { try await consume(chunk) }
    }
  }

  /// What is kept in memory of a source that is read once, in bytes.
  static let window = 16 << 20
}

/// Reads a sequence to its end and gives each element on.
typealias SequenceReader = @Sendable (_ consume: @Sendable (ByteBuffer) async throws -> Void) async throws -> Void

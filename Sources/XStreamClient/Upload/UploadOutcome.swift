public import NIOCore
public import XStream

/// A complete upload: every byte is safe at the server.
public struct UploadOutcome: Hashable, Sendable {
  /// The stream's key, or the upload's URL.
  public let key: UploadHandle
  /// The size of the stream in bytes.
  public let bytes: Int64
  /// Bytes that were sent in this run, with those that were sent twice.
  public let sent: Int64
  /// The offset in bytes that this run began at; above 0 where an earlier run had sent some.
  public let resumedFrom: Int64
  /// How many connections were tried, at least 1.
  public let connections: Int
  /// The digest that the server computed, if one was given.
  public let digest: StreamDigest?
  /// The size in bytes that the file has grown to since it was opened; the stream ends where it ended then. Nil if the
  /// file has not grown.
  public let grownTo: Int64?
  /// A backend's answer, cut at ``ClientConfiguration/replyLimit``; nil without one.
  public let reply: ByteBuffer?
}

/// The answer to a question about a stream.
public struct StreamPosition: Hashable, Sendable {
  /// Whether the stream is complete.
  public let isComplete: Bool
  /// Bytes that are safe; nil if the server did not say.
  public let safe: Int64?
  /// Bytes that have not arrived; nil if nobody knows.
  public let left: Int64?
}

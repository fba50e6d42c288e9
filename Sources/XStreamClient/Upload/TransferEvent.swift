/// What happens while an upload runs.
public enum TransferEvent: Sendable {
  /// The source is read for its digest; both numbers are bytes.
  case hashing(done: Int64, total: Int64)
  /// What an earlier run sent of the file is read again; both numbers are bytes.
  case checking(done: Int64, total: Int64)
  /// A connection is being made; `attempt` counts from 1.
  case connecting(attempt: Int)
  /// The server offers to take bytes.
  case offered(UploadOffer)
  /// Bytes move; at most ten times a second.
  case progress(UploadProgress)
  /// The upload begins anew.
  case restarting(UploadRestart)
  /// Something went wrong; the next try comes.
  case waiting(UploadPause)
  /// The server speaks no way of uploading that can be gone on with: all goes in one request, and after a lost connection
  /// from the beginning.
  case cannotBeResumed
}

/// Why an upload begins anew.
public enum UploadRestart: Hashable, Sendable {
  /// The server does not know the earlier run's stream any more.
  case unknown
  /// The stream can never be completed: what is behind the server has lost it.
  case gone
  /// The file is not what the earlier run sent (``UploadOptions/folder``).
  case changed
}

/// What the server offers.
public struct UploadOffer: Hashable, Sendable {
  /// The stream's key, or the upload's URL. Whoever keeps it can go on with the upload in a later run. A secret.
  public let key: UploadHandle
  /// Over HTTP the way of uploading, which whoever keeps the URL keeps beside it.
  public var dialect: String?
  /// The offset in bytes that the upload goes on from.
  public let offset: Int64
  /// How many bytes are taken from there; nil if no limit is known.
  public let granted: Int64?
}

/// How far an upload is.
public struct UploadProgress: Hashable, Sendable {
  /// Bytes of the stream that were handed to the connection.
  public let sent: Int64
  /// Bytes of the stream that the server has said to be safe.
  public let safe: Int64
  /// All bytes; nil if nobody knows.
  public let total: Int64?

  /// The part of all bytes that the server has safe, from 0 to 1; nil if nobody knows how many there are.
  public var fraction: Double? { total.map { $0 > 0 ? Double(safe) / Double($0) : 1 } }
}

/// Why and how long an upload waits.
public struct UploadPause: Hashable, Sendable {
  /// What went wrong.
  public let error: UploadError
  /// Until the next try.
  public let delay: Duration
}

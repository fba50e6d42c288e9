import NIOCore
import XStream

/// Gives a connection the bytes of one stream. Confined to one event loop for the whole of an upload, which may take
/// several connections.
protocol StreamFeed: AnyObject {
  /// All bytes.
  var total: Total { get }
  /// Called on the event loop when ``take(_:)`` has more to say after ``FeedStep/wait``.
  var onReady: (() -> Void)? { get set }
  /// Goes to the byte that a connection begins at.
  func start(at offset: Int64, portion: Int64) throws(FeedError)
  /// The next bytes, at least one, at most `maximum`.
  func take(_ maximum: Int) -> FeedStep
  /// Whether a source of unknown length has ended, and all of it was taken.
  var isAtEnd: Bool { get }
  /// Bytes before the offset are not asked for again.
  func safe(upTo offset: Int64)
  /// Succeeds when a connection would have something to do: at once, or for a slow source when it has spoken.
  func ready(on loop: any EventLoop) -> EventLoopFuture<Void>
  /// Whether a connection could begin at the byte.
  func canStart(at offset: Int64) -> Bool
  /// Reads no more.
  func close()
}

/// What a feed has.
enum FeedStep {
  case bytes(ByteBuffer)
  /// Nothing yet; ``StreamFeed/onReady`` is called.
  case wait
  /// A source of unknown length is at its end.
  case end
  case failed(FeedError)
}

/// Why a source cannot go on.
enum FeedError: Error, Hashable, Sendable {
  case unreadable(path: LocalPath, cause: String)
  case directory(path: LocalPath)
  /// What was read before is not there any more.
  case changed(path: LocalPath)
  /// The file has fewer bytes than it had, or said it had.
  case ended(path: LocalPath, expected: Int64, got: Int64)
  /// Nobody knows whether the server's bytes are this file's.
  case unproved(path: LocalPath)
  case cannotRewind(to: Int64, oldest: Int64)
  /// The caller's sequence ended early or has too much.
  case wrongLength(expected: Int64, got: Int64)
  /// The caller's sequence threw.
  case sequence(String)

  func error(_ point: ResumePoint?) -> UploadError {
    switch self {
    case .unreadable(let path, let cause):
      Self.error(.source, "\(path) cannot be read: \(cause).", point)
    case .directory(let path):
      Self.error(.source, "\(path) is a directory, not a file.", point)
    case .changed(let path):
      Self.error(
        .changed,
        "\(path) is not the same any more: bytes that were sent already have changed. Nothing of it may be "
          + "completed; send it again from the beginning, once nobody writes to it.", point)
    case .ended(let path, let expected, let got):
      Self.error(
        .changed,
        "\(path) ends after \(got) bytes, though it had, or said it had, \(expected) when it was opened. "
          + "Nothing of it may be completed; send it again from the beginning.", point)
    case .unproved(let path):
      Self.error(
        .changed, "What the server has cannot be shown to be of \(path). Send it again from the beginning.", point)
    case .cannotRewind(let offset, let oldest):
      Self.error(
        .cannotRewind,
        "The server asks for byte \(offset) again, but this source cannot go back before byte \(oldest). "
          + "Start it again.", point)
    case .wrongLength(let expected, let got):
      Self.error(.source, "The source was to have \(expected) bytes, but has \(got) or more.", point)
    case .sequence(let cause):
      Self.error(.source, "The source failed: \(cause).", point)
    }
  }

  private static func error(_ code: UploadError.Code, _ message: String, _ point: ResumePoint?) -> UploadError {
    UploadError(code: code, message: message, resumePoint: point, isWorthAnotherTry: false)
  }
}

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
  case unreadable(path: String, cause: String)
  case notRegular(path: String)
  case changed(path: String)
  case cannotRewind(to: Int64, oldest: Int64)
  /// The caller's sequence ended early or has too much.
  case wrongLength(expected: Int64, got: Int64)
  /// The caller's sequence threw.
  case sequence(String)

  func error(_ point: ResumePoint?) -> UploadError {
    switch self {
    case .unreadable(let path, let cause):
      UploadError(
        code: .source, message: "\(path) cannot be read: \(cause).", resumePoint: point, isWorthAnotherTry: false)
    case .notRegular(let path):
      UploadError(
        code: .source, message: "\(path) is not a regular file.", resumePoint: point, isWorthAnotherTry: false)
    case .changed(let path):
      UploadError(
        code: .source, message: "\(path) changed while it was sent. Send it again once nobody writes to it.",
        resumePoint: point, isWorthAnotherTry: false)
    case .cannotRewind(let offset, let oldest):
      UploadError(
        code: .cannotRewind,
        message: "The server asks for byte \(offset) again, but this source cannot go back before byte \(oldest). "
          + "Start it again.",
        resumePoint: point, isWorthAnotherTry: false)
    case .wrongLength(let expected, let got):
      UploadError(
        code: .source, message: "The source was to have \(expected) bytes, but has \(got) or more.",
        resumePoint: point, isWorthAnotherTry: false)
    case .sequence(let cause):
      UploadError(
        code: .source, message: "The source failed: \(cause).", resumePoint: point, isWorthAnotherTry: false)
    }
  }
}

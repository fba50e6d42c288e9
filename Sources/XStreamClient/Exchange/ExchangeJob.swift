import NIOCore
import XStream

/// One exchange on a connection: what is asked, what is sent, and who wants to know.
struct ExchangeJob {
  var request: ClientRequest
  /// What is known of the stream that a resume speaks of.
  var point: ResumePoint?
  var body: Body
  var report: (Report) -> Void
  var promise: EventLoopPromise<ExchangeEnd>

  /// What follows the head.
  enum Body {
    case none
    case payload(ByteBuffer)
    case feed(any StreamFeed)
  }

  /// What happens on the way.
  enum Report {
    case offered(UploadOffer)
    case progress(UploadProgress)
  }
}

/// How an exchange ended.
enum ExchangeEnd: Sendable {
  /// The server answered.
  case answered(ClientOutcome, reply: ByteBuffer?)
  /// It did not; the stream stands there.
  case lost(ConnectionLoss, ResumePoint?)
  case violated(String, ResumePoint?)
  case feedFailed(FeedError, ResumePoint?)
  case unsendable(RequestError)
}

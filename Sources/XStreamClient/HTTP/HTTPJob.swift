import HTTPUpload
import NIOCore
import NIOHTTP1
import XStream

/// One request on a connection, what goes with it, and who wants to know.
struct HTTPJob {
  var request: DialogueRequest
  var head: HTTPRequestHead
  /// Where the content comes from; nil for a request without one.
  var feed: (any StreamFeed)?
  /// All bytes of the source, where they are known.
  var total: Int64?
  /// Bytes that were safe before.
  var safe: Int64
  var report: (UploadProgress) -> Void
  var promise: EventLoopPromise<HTTPEnd>
}

/// How a request ended.
enum HTTPEnd: Sendable {
  /// The server answered; the body is kept up to a limit.
  case answered(ServerAnswer, body: ByteBuffer, SentContent)
  /// It did not. `safe` is how far interim answers told the upload to be.
  case lost(ConnectionLoss, SentContent, safe: Int64?)
  case feedFailed(FeedError)
}

extension HTTPRequestHead {
  /// A request as it goes out, with what belongs to the connection.
  init(_ request: DialogueRequest, token: String?, traceparent: TraceParent? = nil) {
    var headers = HTTPHeaders(request.fields.pairs.map { ($0.name, $0.value) })
    headers.add(name: "Host", value: request.url.authority)
    headers.add(name: "User-Agent", value: "sluice")
    if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
    if let traceparent { headers.add(name: "traceparent", value: traceparent.text) }
    switch request.content {
    case .none where ["POST", "PUT", "PATCH"].contains(request.method): headers.add(name: "Content-Length", value: "0")
    case .none: break
    case .bytes(let count): headers.add(name: "Content-Length", value: String(count))
    case .some, .all: headers.add(name: "Transfer-Encoding", value: "chunked")
    }
    self.init(
      version: .http1_1, method: HTTPMethod(rawValue: request.method), uri: request.url.target, headers: headers)
  }
}

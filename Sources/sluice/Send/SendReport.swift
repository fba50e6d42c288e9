import NIOCore
import XStream
import XStreamClient

/// One file's result as the JSON object of `--json`.
struct SendReport: Encodable {
  /// As on the command line, or `-`.
  var file: String
  var url: String
  /// `complete`, `refused` or `interrupted`.
  var result: String
  /// The stream's key, or the upload's URL: a secret.
  var key: String?
  /// All bytes of the stream.
  var bytes: Int64?
  /// Bytes sent in this run.
  var sent: Int64?
  /// The byte that this run began at.
  var resumedFrom: Int64?
  /// Bytes that the server has safe.
  var safe: Int64?
  var connections: Int?
  var seconds: Double
  var digest: String?
  /// The size that the file has grown to meanwhile, which the server does not have.
  var grownTo: Int64?
  /// A backend's answer, if it is UTF-8.
  var reply: String?
  /// The kind of failure.
  var error: String?
  /// The server's status, a number and a name.
  var status: Int?
  var statusName: String?
  /// The answer's status over HTTP.
  var httpStatus: Int?
  var message: String?
  /// The server's wish, in seconds.
  var retryAfter: Int64?

  init(file: String, url: UploadURL, outcome: UploadOutcome, seconds: Double) {
    self.file = file
    self.url = url.description
    self.seconds = seconds
    result = "complete"
    key = outcome.key.text
    bytes = outcome.bytes
    sent = outcome.sent
    safe = outcome.bytes
    resumedFrom = outcome.resumedFrom
    connections = outcome.connections
    digest = outcome.digest?.description
    grownTo = outcome.grownTo
    reply = outcome.reply.flatMap { String(validating: $0.readableBytesView, as: UTF8.self) }
    (status, statusName) = (Status.ok.rawValue, Status.ok.name)
  }

  init(file: String, url: UploadURL, error: UploadError, message: String, seconds: Double) {
    self.file = file
    self.url = url.description
    self.seconds = seconds
    result = error.isWorthAnotherTry ? "interrupted" : "refused"
    key = error.key?.text
    safe = error.safe
    self.error = error.code.description
    status = error.status?.rawValue
    statusName = error.status?.name
    httpStatus = error.httpStatus
    self.message = message
    retryAfter = error.retryAfter?.components.seconds
  }

  /// One line.
  var line: String { JSONText.line(self) }
}

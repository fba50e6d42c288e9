import XStream

/// Whom a connection tells what becomes of an exchange.
protocol ExchangeOwner: AnyObject {
  /// The server takes bytes from an offset on.
  func offered(_ connection: LoadConnection, from offset: Int64)
  /// All before the place where the exchange is to stop was handed on.
  func held(_ connection: LoadConnection)
  /// The exchange is over.
  func answered(_ connection: LoadConnection, _ outcome: ClientOutcome)
  /// The connection is over, and with it the exchange.
  func failed(_ connection: LoadConnection, _ setback: Setback, _ point: ResumePoint?)
  /// The server's answer to what was no request.
  func heard(_ connection: LoadConnection, _ message: ServerMessage)
}

/// One exchange on a connection.
struct ExchangeJob {
  var request: ClientRequest
  /// What is known of the stream that a resume speaks of.
  var point: ResumePoint?
  /// What is sent after the head or the offer.
  var content: UploadContent?
  /// Where to stop and tell the owner.
  var hold: Int64?
  /// The first so many bytes are sent one by one.
  var oneByOne: Int64 = 0
}

import NIOCore
import NIOHTTP1
import NIOPosix
import TLSTransport
import XStream

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// What kept an upload, or one attempt at it, from becoming complete.
enum Setback: Error, Hashable, Sendable {
  /// The server said no.
  case status(Status, String)
  /// A server of HTTP said no.
  case httpStatus(Int, String)
  /// No connection.
  case connect(String)
  /// No TLS.
  case tls(String)
  /// The connection ended without an answer.
  case lost(String)
  /// Nothing moved for so many seconds.
  case silent(Double)
  /// The server broke the protocol.
  case violation(Violation)
  /// It was still under way when the drain was over.
  case unfinished
  /// It was due, and never had its turn before the drain was over.
  case missed
  /// A fault on purpose was answered otherwise than expected.
  case fault(FaultKind, String)

  /// Which promise of the protocol was broken.
  enum Violation: Hashable, Sendable {
    case offset(String)
    case digest(String)
    case final(String)
  }

  init(_ outcome: ClientOutcome) {
    self = .status(outcome.status, outcome.reason ?? outcome.status.name)
  }

  init(_ violation: ServerViolation) {
    self =
      switch violation {
      case .offsetMissing, .offsetWentBack, .offsetBeyond: .violation(.offset(violation.reason))
      case .digest: .violation(.digest(violation.reason))
      case .message, .unexpected, .key, .format, .left: .violation(.final(violation.reason))
      }
  }

  init(connecting error: any Error) {
    switch error {
    case let error as TLSError: self = .tls("\(error)")
    default: self = .connect(Self.text(error))
    }
  }

  init(losing error: any Error) {
    switch error {
    case TLSError.truncated: self = .lost("the connection was lost")
    case let error as TLSError: self = .tls("\(error)")
    default: self = .lost(Self.text(error))
    }
  }

  /// What ``LoadReport/ErrorCount/kind`` says.
  var kind: String {
    switch self {
    case .status, .httpStatus: "status"
    case .connect: "connect"
    case .tls: "tls"
    case .lost: "lost"
    case .silent: "silent"
    case .violation: "violation"
    case .unfinished: "unfinished"
    case .missed: "missed"
    case .fault: "fault"
    }
  }

  /// What tells setbacks of one kind apart in a count.
  var name: String {
    switch self {
    case .status(let status, _): status.name
    case .httpStatus(let status, _): HTTPResponseStatus(statusCode: status).reasonPhrase
    case .fault(let fault, _): fault.rawValue
    case .violation(.offset): "offset"
    case .violation(.digest): "digest"
    case .violation(.final): "final"
    case .connect, .tls, .lost, .silent, .unfinished, .missed: kind
    }
  }

  /// The number that the server answered with: below 100 one of x-stream, else one of HTTP.
  var status: Int? {
    switch self {
    case .status(let status, _): status.rawValue
    case .httpStatus(let status, _): status
    default: nil
    }
  }

  /// For a person.
  var text: String {
    switch self {
    case .status(_, let text), .httpStatus(_, let text), .connect(let text), .tls(let text), .lost(let text),
      .fault(_, let text),
      .violation(.offset(let text)), .violation(.digest(let text)), .violation(.final(let text)):
      text
    case .silent(let seconds): "nothing moved for \(seconds) s"
    case .unfinished: "it was still under way when the drain was over"
    case .missed: "it was due, and never had its turn before the drain was over"
    }
  }

  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout(let time): "no answer within \(Double(time.nanoseconds) / 1e9) s"
    default: "\(error)"
    }
  }
}

public import XStream

/// Why an upload, or a question about one, failed.
public struct UploadError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of failure it is. More may come.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    /// A stable name, such as `refused`.
    public let description: String

    /// The server said no with ``UploadError/status``.
    public static let refused = Code(description: "refused")
    /// No connection, or it was lost.
    public static let connection = Code(description: "connection")
    /// TLS could not agree, or the server's certificate is not trusted.
    public static let security = Code(description: "security")
    /// The server broke the protocol.
    public static let violation = Code(description: "violation")
    /// The source cannot be read, or has changed.
    public static let source = Code(description: "source")
    /// The server asks for bytes that a source which cannot go back does not have any more.
    public static let cannotRewind = Code(description: "cannot-rewind")
    /// The request cannot be sent as it is.
    public static let request = Code(description: "request")
    /// The task was cancelled.
    public static let cancelled = Code(description: "cancelled")
  }

  /// What kind of failure it is.
  public var code: Code
  /// The server's status, if it gave one.
  public var status: Status?
  /// What happened and what to do, for a person, without the server's own words.
  public var message: String
  /// The server's own words. They come from outside.
  public var reason: String?
  /// Where the stream stands, if there is one; with it a later run goes on.
  public var resumePoint: ResumePoint?
  /// Whether the same upload may succeed later.
  public var isWorthAnotherTry: Bool
  /// The server's wish, in seconds.
  public var retryAfter: Int64?
  /// The formats that the route takes, after status 4.
  public var formats: [DataFormat] = []

  /// One or two sentences with the server's words.
  public var description: String {
    guard let reason, !reason.isEmpty else { return message }
    return "\(message) The server says: \(reason)\(reason.last == "." ? "" : ".")"
  }

  static func cancelled(_ point: ResumePoint?) -> UploadError {
    UploadError(
      code: .cancelled, message: "The upload was stopped.", resumePoint: point, isWorthAnotherTry: true)
  }

  static func request(_ error: RequestError) -> UploadError {
    UploadError(code: .request, message: "The request cannot be sent: \(error.reason).", isWorthAnotherTry: false)
  }

  static func violation(_ text: String, _ point: ResumePoint?) -> UploadError {
    UploadError(
      code: .violation,
      message: "The server broke the protocol: \(text). This is a fault of the server; tell its operator.",
      resumePoint: point, isWorthAnotherTry: false)
  }

  static func answer(_ outcome: ClientOutcome) -> UploadError {
    var error = UploadError(
      code: .refused, status: outcome.status, message: outcome.status.advice, reason: outcome.reason,
      isWorthAnotherTry: outcome.status.isWorthRetrying, formats: outcome.formats)
    switch outcome.next {
    case .resume(let point, let after): (error.resumePoint, error.retryAfter) = (point, after)
    case .retry(let after): error.retryAfter = after
    case .never, .done: break
    }
    if outcome.status == .format, !outcome.formats.isEmpty {
      error.message += " It takes: \(outcome.formats.map(\.name).joined(separator: ", "))."
    }
    return error
  }
}

extension Status {
  /// What happened and what to do, for a person.
  var advice: String {
    switch self {
    case .ok: "All is well."
    case .malformed: "The server did not understand the request. Client and server may be of different versions."
    case .noRoute: "The server has no such route. Check the path in the URL."
    case .noStream: "The route does not take uploads of this kind. Check the path in the URL."
    case .format: "The route does not take this data format. Choose another."
    case .unauthorized: "The server does not accept the credentials. Check the token or the client certificate."
    case .tooLarge: "This is larger than one upload may be on this route."
    case .quota: "The quota is used up. Go on when there is room again."
    case .busy: "The server has too many uploads at once. Try again later."
    case .partial: "The server took a part only. Go on when it can take more."
    case .unknownKey:
      "The server does not know this unfinished upload: it was completed, given up, kept too long, or taken over by "
        + "a newer connection. Start it again."
    case .storage: "The server's storage failed or is full. Try again later."
    case .backend: "The service behind the server cannot be reached or broke off. Try again later."
    case .digest: "What arrived does not have the digest that was announced; the server kept nothing. Send it again."
    case .timeout: "The connection was silent for too long."
    case .shutdown: "The server is going away. Go on when it, or its peer, is there."
    case .internal: "The server has a fault of its own. Try again later, and tell its operator."
    case .gone: "The upload can never be completed, as the service behind the server has lost it. Start it again."
    }
  }
}

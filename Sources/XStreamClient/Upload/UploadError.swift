import TLSTransport
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
    /// The source cannot be read.
    public static let source = Code(description: "source")
    /// The file is not the one any more that the upload began with: nobody may complete the stream.
    public static let changed = Code(description: "changed")
    /// The server asks for bytes that a source which cannot go back does not have any more.
    public static let cannotRewind = Code(description: "cannot-rewind")
    /// The request cannot be sent as it is.
    public static let request = Code(description: "request")
    /// The task was cancelled.
    public static let cancelled = Code(description: "cancelled")
    /// Another run sends the same file to the same URL just now.
    public static let inUse = Code(description: "in-use")
    /// The client itself failed, such as one whose event loops were shut down.
    public static let client = Code(description: "client")
  }

  /// What the caller would have to give.
  public enum Remedy: Hashable, Sendable {
    /// The authority that the server's certificate is of.
    case authority
    /// A client certificate.
    case certificate
    /// A token or a client certificate.
    case credentials
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
  /// The upload over HTTP, if there is one.
  public var place: HTTPPlace?
  /// Bytes of ``place`` that the server has said to be safe.
  public var safeAtPlace: Int64?
  /// The answer's status over HTTP. ``status`` has the one of x-stream that comes closest.
  public var httpStatus: Int?
  /// Whether the same upload may succeed later.
  public var isWorthAnotherTry: Bool
  /// How long the server wants to be left alone, in whole seconds.
  public var retryAfter: Duration?
  /// The formats that the route takes, after status 4.
  public var formats: [StreamFormat] = []
  /// What would help, if it is something that the caller left out.
  public var remedy: Remedy?

  /// What names the unfinished upload, if there is one.
  public var key: UploadHandle? { resumePoint.map { UploadHandle($0.key) } ?? place.map { UploadHandle($0.url) } }

  /// Bytes of it that the server has said to be safe.
  public var safe: Int64? { resumePoint?.safe ?? (place == nil ? nil : safeAtPlace) }

  /// The same without the upload, for one that nobody can go on with.
  public mutating func forgetUpload() { (resumePoint, place, safeAtPlace) = (nil, nil, nil) }

  /// One or two sentences with the server's words.
  public var description: String {
    guard let reason, !reason.isEmpty else { return message }
    return "\(message) The server says: \(reason)\(reason.last == "." ? "" : ".")"
  }

  /// A source that cannot be read, in a sentence.
  public static func source(_ message: String) -> UploadError {
    UploadError(code: .source, message: message, isWorthAnotherTry: false)
  }

  static func cancelled(_ point: ResumePoint?) -> UploadError {
    UploadError(
      code: .cancelled, message: "The upload was stopped.", resumePoint: point, isWorthAnotherTry: true)
  }

  static func request(_ error: RequestError) -> UploadError {
    UploadError(code: .request, message: "The request cannot be sent: \(error.reason).", isWorthAnotherTry: false)
  }

  /// The stream is lost, and its source cannot go back to the beginning.
  static func cannotStartOver(_ reason: UploadRestart, _ key: StreamKey?, from server: Counterpart) -> UploadError {
    let status: Status = reason == .gone ? .gone : .unknownKey
    return UploadError(
      code: .cannotRewind, status: status,
      message: status.advice(server) + " This source cannot go back to its beginning by itself.",
      resumePoint: key.map { ResumePoint(key: $0) }, isWorthAnotherTry: false)
  }

  static func violation(_ text: String, _ point: ResumePoint?, from server: Counterpart) -> UploadError {
    UploadError(
      code: .violation,
      message: "\(server.authority) broke the protocol: \(text). This is a fault of the server; tell its operator.",
      resumePoint: point, isWorthAnotherTry: false)
  }

  static func answer(_ outcome: ClientOutcome, from server: Counterpart) -> UploadError {
    var error = UploadError(
      code: .refused, status: outcome.status, message: outcome.status.advice(server), reason: outcome.reason,
      isWorthAnotherTry: outcome.status.isWorthRetrying, formats: outcome.formats)
    if outcome.status == .unauthorized, !server.showsToken { error.remedy = .credentials }
    switch outcome.next {
    case .resume(let point, let after): (error.resumePoint, error.retryAfter) = (point, after.map { .seconds($0) })
    case .retry(let after): error.retryAfter = after.map { .seconds($0) }
    case .never, .done: break
    }
    if outcome.status == .format, !outcome.formats.isEmpty {
      error.message += " It takes: \(outcome.formats.map(\.name).joined(separator: ", "))."
    }
    return error
  }
}

extension UploadError {
  /// Of whatever was thrown on the way.
  init(_ error: any Error) {
    switch error {
    case let error as UploadError: self = error
    case is CancellationError: self = .cancelled(nil)
    case let error as TLSConfigurationError:
      self.init(code: .security, message: "\(error)", isWorthAnotherTry: false)
    default: self.init(code: .client, message: "The client failed: \(error).", isWorthAnotherTry: false)
    }
  }
}

extension Status {
  /// What happened and what to do, for a person.
  func advice(_ server: Counterpart) -> String {
    let (place, route) = (server.authority, server.route)
    return switch self {
    case .ok: "All is well."
    case .malformed:
      "\(place) did not understand the request. Client and server may be of different versions."
    case .noRoute: "\(place) has no route \(route). Check the path in the URL."
    case .noStream: "The route \(route) of \(place) does not take uploads of this kind. Check the path in the URL."
    case .format: "The route \(route) of \(place) does not take this data format. Choose another."
    case .unauthorized:
      switch (server.showsToken, server.showsCertificate) {
      case (false, false): "\(place) asks for credentials on the route \(route), and none were given."
      case (true, _): "\(place) does not accept this token on the route \(route)."
      case (false, true):
        "\(place) does not accept this client certificate on the route \(route), and no token was given."
      }
    case .tooLarge: "This is larger than one upload may be on the route \(route) of \(place)."
    case .quota: "The quota on the route \(route) of \(place) is used up. Go on when there is room again."
    case .busy: "\(place) has too many uploads at once. Try again later."
    case .partial: "\(place) took a part only. Go on when it can take more."
    case .unknownKey:
      "\(place) does not know this unfinished upload: it was completed, given up, kept too long, or taken over by "
        + "a newer connection. Start it again."
    case .storage: "The storage of \(place) failed or is full. Try again later."
    case .backend: "The service behind \(place) cannot be reached or broke off. Try again later."
    case .digest:
      "What arrived at \(place) does not have the digest that was announced; it kept nothing. Send it again."
    case .timeout: "The connection to \(place) was silent for too long."
    case .shutdown: "\(place) is going away. Go on when it, or its peer, is there."
    case .internal: "\(place) has a fault of its own. Try again later, and tell its operator."
    case .gone:
      "This upload can never be completed: the service behind \(place) has lost what was sent, and nothing of it is "
        + "safe. Start it again."
    }
  }
}

import GatewayCore
import HTTPUpload
import NIOHTTP1

/// A request whose head passed all checks: where it goes, and in which dialect.
struct HTTPRequest {
  let head: MessageChecks.Head
  /// What the request means, whatever line it has (`X-HTTP-Method-Override`).
  let method: String
  let dialect: UploadDialect
  let place: RoutePlace
  let terms: RouteTerms
  let settings: HTTPRouteSettings
  let access: AccessRequest
  /// Whether the answer is to tell the digest of a complete upload.
  let wish: DigestWish
  /// Of this gateway, as the client addresses it: `https://uploads.example`.
  let origin: String

  /// Checks in this order: framing, target, dialect, foreign pages.
  init(_ exchange: HTTPExchange) throws(HTTPProblem) {
    let (line, fields, front) = (exchange.head, exchange.fields, exchange.front)
    let settings = front.settings
    guard line.uri.utf8.count <= 4096 else { throw .targetTooLong }
    // HTTP/1.1's parser has these bounds by itself.
    guard fields.pairs.count <= 64, fields.pairs.allSatisfy({ $0.name.utf8.count + $0.value.utf8.count <= 8 << 10 })
    else { throw .headTooLarge }
    head = try MessageChecks(hosts: settings.hosts).check(
      method: line.method.rawValue, target: line.uri, version: exchange.version,
      fields: fields)
    // Its body would end with the connection, and a lost one looks the same (RFC 1945, section 7.2.2).
    if exchange.isOldVersion, ["PUT", "POST", "PATCH"].contains(line.method.rawValue), !fields.has("Content-Length") {
      throw .lengthRequired
    }
    origin = settings.origin ?? head.authority?.origin ?? ""
    method = UploadDialect.method(line.method.rawValue, fields: fields)
    guard let path = head.target.path else { throw .notFound }
    place = try RoutePlace(path, routes: front.gateway.routePaths, namesOnly: method == "PUT")
    guard let terms = front.gateway.terms(of: place.route) else { throw .notFound }
    self.terms = terms
    self.settings = settings.routes[place.route] ?? HTTPRouteSettings()
    let check = CrossSiteCheck(origins: self.settings.origins)
    if CrossSiteCheck.isPreflight(method: method, fields: fields) {
      exchange.crossSiteFields = check.preflight(fields, methods: HTTPRequest.methods)
    } else {
      exchange.crossSiteFields = try check.check(method: method, fields: fields, own: origin)
    }
    dialect = try UploadDialect.choose(method: method, fields: fields)
    access = AccessRequest(
      route: place.route, credentials: Self.credentials(exchange.handler.peer.credentials, fields),
      takesKey: self.settings.takesKeys && place.key != nil)
    wish = DigestWish(.representation, of: fields)
  }

  static let methods = ["OPTIONS", "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"]

  private static func credentials(_ shown: Credentials, _ fields: HTTPFields) -> Credentials {
    var credentials = shown
    guard let authorization = fields.first("Authorization") else { return credentials }
    let words = authorization.split(separator: " ", maxSplits: 1)
    // Of a scheme that nobody here knows, so it is a wrong one wherever one is wanted.
    credentials.token =
      words.count == 2 && words[0].lowercased() == "bearer" ? String(words[1]).trimmingBlanks : ""
    return credentials
  }

  /// The upload that the URL names.
  var key: UploadKey? { place.key.flatMap { UploadKey($0) } }

  /// What the URL calls the file: its last part, should it look like a path of some system.
  var label: String? { place.name.flatMap { FileLabel.fitting($0) } }

  /// The absolute URL of an upload: many clients cannot make one of a relative one.
  func location(of key: UploadKey) -> String { origin + place.route + "/" + key.text }

  /// What the request asks for.
  func operation(of exchange: HTTPExchange) throws(HTTPProblem) -> any HTTPOperation {
    switch method {
    case "OPTIONS": return HTTPCapabilities(exchange, self)
    case "PUT": return try creation(exchange)
    case "POST":
      guard place.key == nil else { throw .methodNotAllowed(allowed: ["HEAD", "GET", "PATCH", "DELETE"]) }
      return try creation(exchange)
    case "PATCH":
      guard let key else { throw .notFound }
      switch dialect {
      case .tus: return TusAppending(exchange, self, key)
      case .resumable(let version): return ResumableAppending(exchange, self, key, version)
      case .plain, .form: throw .mediaType(accepted: [TusAppend.mediaType, ResumableRequest.mediaType])
      }
    case "HEAD", "GET":
      guard let key else {
        guard place.rest == .none else { throw .notFound }
        return HTTPPage(exchange, self)
      }
      return HTTPDescription(exchange, self, key)
    case "DELETE":
      guard let key else { throw .notFound }
      return HTTPRemoval(exchange, self, key)
    case "TRACE", "CONNECT": throw .methodNotAllowed(allowed: Self.methods)
    default: throw .methodUnknown
    }
  }

  private func creation(_ exchange: HTTPExchange) throws(HTTPProblem) -> any HTTPOperation {
    switch dialect {
    case .plain: return PlainUpload(exchange, self)
    case .form: return try FormUpload(exchange, self)
    case .tus:
      return exchange.fields.first("Upload-Concat")?.hasPrefix("final") == true
        ? TusConcatenating(exchange, self) : TusCreating(exchange, self)
    case .resumable(let version): return ResumableCreating(exchange, self, version)
    }
  }

  /// What the bytes are, by their media type and what the route takes.
  func format(_ type: MediaType?) throws(HTTPProblem) -> DataFormat {
    let taken = terms.formats.map(\.rawValue)
    guard let name = MediaType.format(type, takenBy: taken), let format = DataFormat(rawValue: name) else {
      throw .mediaType(accepted: MediaType.accepted(taken))
    }
    return format
  }

  /// What every answer of a resumable dialect tells of the route's bounds.
  var limit: UploadLimit { UploadLimit(maxSize: terms.largestUpload, maxAge: terms.keptForSeconds, minSize: nil) }

  /// - Parameter isLast: whether the request may bring the upload's end. Only then is a digest computed for it: that of each
  ///   request before would read again all that was there.
  func transfer(
    _ exchange: HTTPExchange, isTentative: Bool = false, tellsProgress: Bool = false, isLast: Bool = true
  ) -> TransferTerms {
    var terms = TransferTerms(
      buffer: 1 << 20, acknowledgeEvery: tellsProgress ? 4 << 20 : nil, checkpointEvery: tellsProgress ? 4 << 20 : nil,
      isTentative: isTentative, connection: exchange.handler.peer.connection,
      traceparent: exchange.fields.first("traceparent"))
    terms.digest = isLast && wish == .wanted ? .wanted : .known
    return terms
  }

  /// What the answer tells of a complete upload's digest, where that is known.
  func digestFields(_ digest: ContentDigest?) -> HTTPFields {
    guard let digest, wish != .unwanted else { return [:] }
    return ["Repr-Digest": DigestFields.value(sha256: digest.bytes)]
  }
}

extension String {
  fileprivate var trimmingBlanks: String {
    String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
  }
}

/// Judges requests by what is configured: route, identity, shape, format, size. What depends on the state of things
/// (quota, crowding, whose upload it is) is asked of the ledger afterwards, with what the admission says.
public struct Gatekeeper: Sendable {
  private let routes: [String: Route]

  /// - Parameter routes: each path once.
  public init(routes: [Route]) {
    self.routes = Dictionary(routes.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The route at `path`, if there is one.
  func route(_ path: String) -> Route? { routes[path] }

  /// - Parameter now: decides which window's quotas count.
  /// - Throws: the first refusal in the order of docs/protocol.md, "Order of checks".
  public func admit(_ request: UploadRequest, at now: WallTime) throws(Refusal) -> Admission {
    let (route, identity) = try recognise(request)
    switch request.shape {
    case .stream: guard route.takesStreams else { throw .shape(.stream) }
    case .payload: guard route.limits.payload > 0 else { throw .shape(.payload) }
    }
    guard let format = request.format, route.formats.contains(format) else {
      throw .format(accepted: route.formats)
    }
    return Admission(
      route: route, identity: identity, format: format, total: request.total,
      limit: request.shape == .payload ? min(route.limits.payload, route.limits.upload) : route.limits.upload,
      buffer: min(max(request.buffer, route.buffer.lowerBound), route.buffer.upperBound),
      quotas: route.quotas(of: identity, now: now))
  }

  /// As far as a request goes that brings no bytes: which route, and who asks.
  ///
  /// - Throws: ``Refusal/noRoute`` or ``Refusal/unauthorized``.
  public func recognise(_ request: UploadRequest) throws(Refusal) -> (route: Route, identity: ClientIdentity) {
    guard let route = routes[request.route] else { throw .noRoute }
    return (route, try identify(request.credentials, on: route))
  }

  /// A token that the route knows comes before the certificate; a wrong one is never passed over for it.
  private func identify(_ credentials: Credentials, on route: Route) throws(Refusal) -> ClientIdentity {
    let access = route.access
    if let tokens = access.tokens, let token = credentials.token {
      guard let name = tokens.name(of: token) else { throw .unauthorized }
      return .token(name: name)
    }
    if let holder = credentials.certificate, access.takesCertificates || access.takesAnyone {
      return .certificate(holder)
    }
    guard access.takesAnyone else { throw .unauthorized }
    return .anonymous(address: credentials.address)
  }
}

/// What a route's rules allow a request, before quota is asked.
public struct Admission: Sendable {
  /// Where to.
  public var route: Route
  /// Who.
  public var identity: ClientIdentity
  /// What the bytes are.
  public var format: DataFormat
  /// In bytes; `nil` where it is unknown.
  public var total: Int64?
  /// The most that this upload may have, in bytes.
  public var limit: Int64
  /// The portion size, held within the route's bounds, in bytes.
  public var buffer: Int64
  /// What the upload counts against.
  public var quotas: [QuotaCap]

  /// Bytes to reserve if the quotas leave them.
  var wanted: Int64 { total ?? limit }

  /// - Throws: ``Refusal/tooLarge`` where the announced total is above the limit.
  func checkSize() throws(Refusal) {
    if let total, total > limit { throw .tooLarge(limit: limit) }
  }
}

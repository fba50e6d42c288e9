/// Judges requests by what is configured: route, identity, shape, format, size. What depends on the state of things
/// (quota, crowding, whose upload it is) is asked of the ledger afterwards, with what the admission says.
struct Gatekeeper: Sendable {
  /// By path.
  let routes: [String: RouteRuntime]
  /// All of them.
  let paths: [String]
  /// What may be told of each, by path.
  let terms: [String: RouteTerms]
  /// Who may upload to each, as of now.
  let access: PublishedAccess

  /// - Parameter routes: each path once.
  init(routes: [RouteRuntime], access: PublishedAccess? = nil) {
    self.routes = Dictionary(routes.map { ($0.route.path, $0) }, uniquingKeysWith: { first, _ in first })
    self.paths = Array(self.routes.keys)
    self.terms = self.routes.mapValues { RouteTerms($0) }
    self.access = access ?? PublishedAccess(self.routes.mapValues(\.route.access))
  }

  /// Judges a new upload.
  ///
  /// - Parameter now: decides which window's quotas count.
  /// - Throws: the first refusal in the order of docs/protocol.md, "Order of checks".
  func admit(_ request: UploadRequest, at now: WallTime) throws(Refusal) -> Admission {
    let client = try recognise(request.access, at: now)
    let route = client.runtime.route
    switch request.shape {
    case .stream, .whole: guard route.takesStreams else { throw .shape(request.shape) }
    case .payload: guard route.limits.payload > 0 else { throw .shape(.payload) }
    }
    if request.isPart, !client.runtime.traits.assembles { throw .shape(request.shape) }
    guard let format = request.format, route.formats.contains(format) else { throw .format(accepted: route.formats) }
    let limit = request.shape == .payload ? min(route.limits.payload, route.limits.upload) : route.limits.upload
    return Admission(client, limit: limit, terms: request.transfer, at: now, format: format)
  }

  /// Judges a connection that goes on with an upload. What it declares of the upload itself is judged when that is found.
  ///
  /// - Throws: as ``admit(_:at:)``.
  func admit(_ request: UploadResumption, at now: WallTime) throws(Refusal) -> Admission {
    let client = try recogniseHolder(request.access, at: now)
    let route = client.runtime.route
    guard route.takesStreams else { throw .shape(.stream) }
    if case .value(let named) = request.format {
      guard let named, route.formats.contains(named) else { throw .format(accepted: route.formats) }
    }
    return Admission(client, limit: route.limits.upload, terms: request.transfer, at: now)
  }

  /// As far as a request goes that brings no bytes: which route, and who asks.
  ///
  /// - Throws: ``Refusal/noRoute`` or ``Refusal/unauthorized``.
  func recognise(_ request: AccessRequest, at now: WallTime) throws(Refusal) -> RecognisedClient {
    guard let runtime = routes[request.route] else { throw .noRoute }
    // Before the rules: newer ones are then looked at once more, and older ones never taken for newer.
    let edition = access.edition
    guard let rules = access.access(to: request.route) else { throw .noRoute }
    let grounds = try rules.grounds(request.credentials, on: request.route)
    guard let right = rules.right(by: grounds, at: now, edition: edition) else { throw .unauthorized }
    return RecognisedClient(runtime: runtime, right: right)
  }

  /// As ``recognise(_:at:)``, for what is asked of an upload by its key. Who shows no token may have its right by the key
  /// alone, whatever certificate came along: without one, the key would do as well.
  ///
  /// - Throws: ``Refusal/noRoute`` or ``Refusal/unauthorized``.
  func recogniseHolder(_ request: AccessRequest, at now: WallTime) throws(Refusal) -> RecognisedClient {
    guard request.takesKey, request.credentials.token == nil else { return try recognise(request, at: now) }
    guard let runtime = routes[request.route] else { throw .noRoute }
    let stranger = ClientRight(of: .anonymous(address: request.credentials.address), on: request.route)
    let right = (try? recognise(request, at: now))?.right ?? stranger
    return RecognisedClient(runtime: runtime, right: right, hasKey: true)
  }
}

/// A client on a route that it may use.
struct RecognisedClient: Sendable {
  let runtime: RouteRuntime
  private(set) var right: ClientRight
  /// Whether the key that it names an upload by is right enough.
  var hasKey = false

  var identity: ClientIdentity { right.identity }

  /// The client as it deals with an upload: as it has shown itself, or, where the key is its right, as who began the upload,
  /// against whose limits it counts. `nil` where the upload is not its own.
  func on(_ facts: UploadFacts) -> RecognisedClient? {
    guard facts.route == runtime.route.path else { return nil }
    if identity.owns(facts.owner) { return self }
    guard hasKey else { return nil }
    var client = self
    client.right = ClientRight(of: ClientIdentity(owner: facts.owner, subject: facts.subject), on: facts.route)
    return client
  }
}

/// What a route's rules allow a request, before quota is asked.
struct Admission: Sendable {
  /// Who, by what, and where to.
  private(set) var client: RecognisedClient
  /// The format of a new upload; that of an earlier one is recorded.
  let format: DataFormat
  /// The most that this upload may have, in bytes.
  let limit: Int64
  /// How the bytes come, the portion size held within the route's bounds.
  let transfer: TransferTerms
  /// What the upload counts against.
  var quotas: [QuotaCap]

  init(
    _ client: RecognisedClient, limit: Int64, terms: TransferTerms, at now: WallTime, format: DataFormat = .bytes
  ) {
    let route = client.runtime.route
    self.client = client
    self.format = format
    self.limit = limit
    var terms = terms
    terms.buffer = min(max(terms.buffer, route.buffer.lowerBound), route.buffer.upperBound)
    self.transfer = terms
    self.quotas = route.quotas(of: client.identity, now: now)
  }

  var runtime: RouteRuntime { client.runtime }
  var route: Route { runtime.route }
  var right: ClientRight { client.right }
  var identity: ClientIdentity { client.identity }

  /// The same for the client as it deals with this upload.
  func on(_ facts: UploadFacts, at now: WallTime) -> Admission {
    var admission = self
    if let client = client.on(facts), client.identity != identity {
      admission.client = client
      admission.quotas = route.quotas(of: client.identity, now: now)
    }
    return admission.counting(against: facts.subject, at: now)
  }

  /// - Throws: ``Refusal/tooLarge`` where the announced total is above the limit.
  func checkSize(_ total: Int64?) throws(Refusal) {
    if let total, total > limit { throw .tooLarge(limit: limit) }
  }
}

public import NIOCore
public import NIOPosix
public import TLSTransport
public import XStream

/// Uploads to x-stream servers, and to HTTPS servers by what they speak. One client serves any number of uploads at once; each has a connection of its own.
public struct UploadClient: Sendable {
  let configuration: ClientConfiguration
  let context: TLSContext
  let contexts: TLSContexts
  let group: any EventLoopGroup
  let threads: NIOThreadPool

  /// A client. Certificate files are read here; for `https` URLs once more, at the first.
  ///
  /// - Throws: `TLSConfigurationError`, which names the file.
  public init(
    _ configuration: ClientConfiguration = ClientConfiguration(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) throws(TLSConfigurationError) {
    self.configuration = configuration
    contexts = TLSContexts(configuration)
    context = try contexts.context(for: [XStreamProtocol.applicationProtocol])
    self.group = group
    threads = .singleton
  }

  /// Uploads a source as one stream, and goes on after whatever cuts it short, until it is complete or
  /// ``UploadOptions/retry`` has no more patience.
  ///
  /// - Parameter onEvent: called on an event loop, in order: be quick there.
  /// - Throws: ``UploadError``. A cancelled task throws one with the code `cancelled`, and the bytes that are safe stay
  ///   so.
  public func upload(
    _ source: UploadSource, to url: XStreamURL, options: UploadOptions = UploadOptions(),
    onEvent: @escaping @Sendable (TransferEvent) -> Void = { _ in }
  ) async throws -> UploadOutcome {
    let run = UploadRun(client: self, source: source, url: url, options: options, onEvent: onEvent)
    return try await run.run()
  }

  /// Uploads a few bytes in one packet, in one try: without a key nothing could tell a second try from a second upload.
  ///
  /// - Throws: ``UploadError``.
  public func send(
    _ payload: ByteBuffer, to url: XStreamURL, format: StreamFormat = .bytes, name: StreamName? = nil,
    digest: StreamDigest? = nil
  ) async throws -> UploadOutcome {
    let size = Int64(payload.readableBytes)
    let request = ClientRequest.payload(
      PayloadRequest(context: requestContext(url), format: format, size: size, digest: digest, name: name))
    let (outcome, reply) = try await ask(request, at: url, body: payload)
    guard outcome.status == .ok, let key = outcome.key else {
      throw UploadError.answer(outcome, from: counterpart(url))
    }
    return UploadOutcome(
      key: UploadHandle(key), bytes: size, sent: size, resumedFrom: 0, connections: 1, digest: outcome.digest,
      grownTo: nil,
      reply: reply)
  }

  /// Asks how far a stream is; nothing changes.
  ///
  /// - Parameter total: the total that the stream began with; nil if it was unknown.
  /// - Throws: ``UploadError``; with status 10 if the server does not know the stream.
  public func ask(_ key: StreamKey, total: Int64?, at url: XStreamURL) async throws -> StreamPosition {
    let request = ClientRequest.ask(
      AskRequest(context: requestContext(url), total: total.map { .known($0) } ?? .unlimited, key: key))
    let (outcome, _) = try await ask(request, at: url)
    var left: Int64?
    if case .known(let count) = outcome.left { left = count }
    switch (outcome.status, outcome.next) {
    case (.ok, _): return StreamPosition(isComplete: true, safe: total, left: 0)
    case (.partial, .resume(let point, _)): return StreamPosition(isComplete: false, safe: point.safe, left: left)
    default: throw UploadError.answer(outcome, from: counterpart(url))
    }
  }

  /// Gives an unfinished stream up: the server drops what it has and gives its quota back.
  ///
  /// - Throws: ``UploadError``; with status 10 if the server does not know the stream, or it is complete.
  public func giveUp(_ key: StreamKey, at url: XStreamURL) async throws {
    let request = ClientRequest.giveUp(GiveUpRequest(context: requestContext(url), key: key))
    let (outcome, _) = try await ask(request, at: url)
    guard outcome.status == .ok else { throw UploadError.answer(outcome, from: counterpart(url)) }
  }

  func requestContext(_ url: XStreamURL) -> RequestContext {
    RequestContext(route: url.route, authorization: configuration.token.map { .bearer($0) })
  }

  func counterpart(_ url: XStreamURL) -> Counterpart {
    Counterpart(url: url, showsToken: configuration.token != nil, showsCertificate: configuration.identity != nil)
  }

  private func ask(
    _ request: ClientRequest, at url: XStreamURL, body: ByteBuffer? = nil
  ) async throws -> (ClientOutcome, ByteBuffer?) {
    let loop = group.next()
    let connection: GatewayConnection
    do {
      connection = try await GatewayConnection.connect(to: url, configuration, context, on: loop)
    } catch let loss as ConnectionLoss {
      throw loss.error(nil, with: counterpart(url))
    } catch is CancellationError {
      throw UploadError.cancelled(nil)
    }
    let bound = try await loop.submit {
      NIOLoopBound(body.map { ExchangeJob.Body.payload($0) } ?? .none, eventLoop: loop)
    }
    .get()
    let end = await connection.exchange(request, body: bound)
    await connection.closeAndWait()
    switch end {
    case .answered(let outcome, let reply): return (outcome, reply)
    case .lost where Task.isCancelled: throw UploadError.cancelled(nil)
    case .lost(let loss, _): throw loss.error(nil, with: counterpart(url))
    case .violated(let text, _): throw UploadError.violation(text, nil, from: counterpart(url))
    case .feedFailed(let error, _): throw error.error(nil)
    case .unsendable(let error): throw UploadError.request(error)
    }
  }
}

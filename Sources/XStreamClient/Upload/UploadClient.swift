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

  /// Uploads a source as one stream of x-stream; see ``upload(_:to:options:onEvent:)-(_,UploadURL,_,_)``.
  ///
  /// - Throws: ``UploadError``.
  public func upload(
    _ source: UploadSource, to url: XStreamURL, options: UploadOptions = UploadOptions(),
    onEvent: @escaping @Sendable (TransferEvent) -> Void = { _ in }
  ) async throws(UploadError) -> UploadOutcome {
    try await upload(source, to: .stream(url), options: options, onEvent: onEvent)
  }

  /// Uploads a source, and goes on after whatever cuts it short, until it is complete or ``UploadOptions/retry`` has no more
  /// patience.
  ///
  /// At an `https` URL the server chooses x-stream if it speaks that, else it is HTTP: resumable uploads in the draft's
  /// newest version that the server speaks, else tus 1.0.0, else one request that cannot be gone on with.
  ///
  /// - Parameters:
  ///   - source: where the bytes come from.
  ///   - url: where they go to.
  ///   - options: all have defaults that suit a source of any size.
  ///   - onEvent: called on an event loop, in order: be quick there. ``start(_:to:options:)`` has the same as a sequence.
  /// - Throws: ``UploadError``. A cancelled task throws one with the code `cancelled`, and the bytes that are safe stay
  ///   so.
  public func upload(
    _ source: UploadSource, to url: UploadURL, options: UploadOptions = UploadOptions(),
    onEvent: @escaping @Sendable (TransferEvent) -> Void = { _ in }
  ) async throws(UploadError) -> UploadOutcome {
    let log = UploadLog(options, to: url)
    let tell: @Sendable (TransferEvent) -> Void = { event in
      log?.note(event)
      onEvent(event)
    }
    do {
      let outcome: UploadOutcome
      if let folder = options.folder, options.resume == nil, options.place == nil {
        let upload = KeptRun(client: self, url: url, options: options, folder: folder, onEvent: tell)
        outcome = try await upload.run(source)
      } else {
        outcome = try await carry(source, to: url, options: options, onEvent: tell)
      }
      log?.note(outcome)
      return outcome
    } catch {
      let error = UploadError(error)
      log?.note(error)
      throw error
    }
  }

  /// One upload, over as many connections as it takes.
  func carry(
    _ source: UploadSource, to url: UploadURL, options: UploadOptions,
    onEvent: @escaping @Sendable (TransferEvent) -> Void
  ) async throws -> UploadOutcome {
    let stream: XStreamURL
    switch url {
    case .stream(let url): stream = url
    case .https(let https):
      if options.resume == nil {
        let run = HTTPRun(client: self, source: source, url: https, options: options, onEvent: onEvent)
        if case .complete(let outcome) = try await run.run() { return outcome }
      }
      guard let url = https.stream else { throw UploadError.noStreamURL(https) }
      stream = url
    }
    return try await UploadRun(client: self, source: source, url: stream, options: options, onEvent: onEvent).run()
  }

  /// Uploads a few bytes in one packet, in one try: without a key nothing could tell a second try from a second upload.
  ///
  /// - Throws: ``UploadError``.
  public func send(
    _ payload: ByteBuffer, to url: XStreamURL, format: StreamFormat = .bytes, name: StreamName? = nil,
    digest: StreamDigest? = nil, traceparent: TraceParent? = nil
  ) async throws(UploadError) -> UploadOutcome {
    let size = Int64(payload.readableBytes)
    let request = ClientRequest.payload(
      PayloadRequest(context: requestContext(url, traceparent), format: format, size: size, digest: digest, name: name))
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
  /// - Parameters:
  ///   - key: the stream's.
  ///   - total: the total that the stream began with; nil if it was unknown.
  ///   - url: where it went to.
  /// - Throws: ``UploadError``; with status 10 if the server does not know the stream.
  public func ask(_ key: StreamKey, total: Int64?, at url: XStreamURL) async throws(UploadError) -> StreamPosition {
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
  public func giveUp(_ key: StreamKey, at url: XStreamURL) async throws(UploadError) {
    let request = ClientRequest.giveUp(GiveUpRequest(context: requestContext(url), key: key))
    let (outcome, _) = try await ask(request, at: url)
    guard outcome.status == .ok else { throw UploadError.answer(outcome, from: counterpart(url)) }
  }

  func requestContext(_ url: XStreamURL, _ traceparent: TraceParent? = nil) -> RequestContext {
    RequestContext(
      route: url.route, authorization: configuration.token.map { .bearer($0) }, traceparent: traceparent)
  }

  func counterpart(_ url: XStreamURL) -> Counterpart {
    Counterpart(url: url, showsToken: configuration.token != nil, showsCertificate: configuration.identity != nil)
  }

  private func ask(
    _ request: ClientRequest, at url: XStreamURL, body: ByteBuffer? = nil
  ) async throws(UploadError) -> (ClientOutcome, ByteBuffer?) {
    let loop = group.next()
    let end: ExchangeEnd
    do {
      let connection = try await GatewayConnection.connect(to: url, configuration, context, on: loop)
      let bound = try await loop.submit {
        NIOLoopBound(body.map { ExchangeJob.Body.payload($0) } ?? .none, eventLoop: loop)
      }
      .get()
      end = await connection.exchange(request, body: bound)
      await connection.closeAndWait()
    } catch let loss as ConnectionLoss {
      throw loss.error(nil, with: counterpart(url))
    } catch {
      throw UploadError(error)
    }
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

import HTTPUpload
import NIOCore
import XStream

/// One upload to an HTTPS server from its source's first look to its end, over as many connections and requests as it takes.
struct HTTPRun {
  enum End {
    case complete(UploadOutcome)
    /// The server chose x-stream in the handshake. Nothing was sent.
    case speaksXStream
  }

  let client: UploadClient
  let source: UploadSource
  let url: HTTPSURL
  let options: UploadOptions
  let onEvent: @Sendable (TransferEvent) -> Void

  func run() async throws -> End {
    var state = HTTPRunState(
      counterpart: client.counterpart(url), patience: Patience(options.retry, now: .zero), earlier: options.place,
      offersXStream: offersXStream)
    let loop = client.group.next()
    do {
      let end = try await run(&state, on: loop)
      await finish(state, on: loop)
      return end
    } catch let error as UploadError {
      await finish(state, on: loop)
      throw state.placed(error)
    } catch {
      await finish(state, on: loop)
      throw error
    }
  }

  private func finish(_ state: HTTPRunState, on loop: any EventLoop) async {
    if let feed = state.prepared?.feed { loop.execute { feed.value.close() } }
    await state.connection?.close()
  }

  private var offersXStream: Bool { options.speaksXStream && options.place == nil && url.stream != nil }

  /// What follows one request.
  private enum Next {
    case request
    case end(End)
    /// Another try after a delay.
    case wait(UploadError)
  }

  private func run(_ state: inout HTTPRunState, on loop: any EventLoop) async throws -> End {
    while true {
      let problem: UploadError
      do {
        switch try await next(&state, on: loop) {
        case .request: continue
        case .end(let end): return end
        case .wait(let error): problem = error
        }
      } catch let loss as ConnectionLoss {
        problem = loss.error(nil, with: state.counterpart)
      } catch is CancellationError {
        throw UploadError.cancelled(nil)
      }
      state.isToBeOffered = true
      guard let delay = state.patience.delay(after: problem, now: state.now, jitter: .random(in: 0...1)) else {
        throw problem
      }
      onEvent(.waiting(UploadPause(error: state.placed(problem), delay: delay)))
      // A server need not keep an idle connection for long.
      if delay > .seconds(2) { await state.dropConnection() }
      do { try await state.clock.sleep(for: delay) } catch { throw UploadError.cancelled(nil) }
    }
  }

  /// Carries out the next request, and before the first one what it needs.
  private func next(_ state: inout HTTPRunState, on loop: any EventLoop) async throws -> Next {
    if let feed = state.prepared?.feed, state.isUnderWay {
      // A server would end a connection on which nothing is said.
      let before = state.now
      try await loop.flatSubmit { feed.value.ready(on: loop) }.orCancelled { _ in }
      if state.now - before > .milliseconds(100) { state.patience.sourceWasSlow(now: state.now) }
    }
    let connection = try await connection(&state, on: loop)
    if connection.agreed == XStreamProtocol.applicationProtocol { return .end(.speaksXStream) }
    if state.prepared == nil {
      try await prepare(&state, on: loop)
      // Digests take their time, and servers end connections that say nothing.
      if !(await connection.isUsable()) { return .request }
    }
    guard let feed = state.prepared?.feed, var dialogue = state.dialogue else { return .request }
    defer { state.dialogue = dialogue }
    let request = dialogue.request()
    announce(request, dialogue, &state)
    let (began, tally, onEvent) = (state.now, state.tally, onEvent)
    let end = await connection.carryOut(
      request, token: client.configuration.token, traceparent: options.traceparent, feed: feed, total: dialogue.total,
      safe: dialogue.offset
    ) { progress in
      tally.progressed(progress)
      onEvent(.progress(progress))
    }
    let former = dialogue.offset
    switch end {
    case .feedFailed(let error): throw error.error(nil)
    case .lost(let loss, let sent, let safe):
      if let safe { dialogue.acknowledged(safe) }
      state.advanced(from: former, to: dialogue.offset, sending: sent.count > 0 ? state.now - began : .zero)
      try Task.checkCancellation()
      if let problem = dialogue.lost(sent) { throw UploadError.http(problem, from: state.counterpart) }
      return .wait(loss.error(nil, with: state.counterpart))
    case .answered(let answer, let body, let sent):
      let step = dialogue.answered(answer, sent)
      let safe = dialogue.offset
      try await loop.submit { feed.value.safe(upTo: safe) }.get()
      state.advanced(from: former, to: safe, sending: sent.count > 0 ? state.now - began : .zero)
      switch step {
      case .next:
        // Only an append that was taken is followed by the next without a word about where it goes on.
        if request.method != "PATCH" || answer.status / 100 != 2 { state.isToBeOffered = true }
        return .request
      case .done(let answer): return .end(.complete(try outcome(answer, body, request, dialogue, state)))
      case .restart:
        try await restart(answer, feed, state, on: loop)
        return .request
      case .fail(let problem): throw UploadError.http(problem, from: state.counterpart)
      case .wait(let problem): return .wait(UploadError.http(problem, from: state.counterpart))
      }
    }
  }

  /// The connection there is, or a new one.
  private func connection(_ state: inout HTTPRunState, on loop: any EventLoop) async throws -> HTTPConnection {
    if let old = state.connection {
      if await old.isUsable() { return old }
      await state.dropConnection()
    }
    onEvent(.connecting(attempt: state.tally.connectionMade()))
    let names =
      (state.offersXStream ? [XStreamProtocol.applicationProtocol] : []) + [HTTPConnection.applicationProtocol]
    let connection = try await HTTPConnection.connect(
      to: url, client.configuration, client.contexts.context(for: names), on: loop)
    state.connection = connection
    // What was begun over HTTP goes on over HTTP.
    if connection.agreed != XStreamProtocol.applicationProtocol { state.offersXStream = false }
    return connection
  }

  private func prepare(_ state: inout HTTPRunState, on loop: any EventLoop) async throws {
    let preparation = SourcePreparation(client: client, source: source, options: options, onEvent: onEvent)
    let prepared = try await preparation.prepare(on: loop)
    state.prepared = prepared
    // Whoever has read all of it has told no proof by the way, and over HTTP a later run needs one.
    if let reading = prepared.reading, reading.reached.end == reading.size { options.onProof?(reading.reached) }
    var total: Int64?
    if case .known(let count) = try await loop.submit({ prepared.feed.value.total }).get() { total = count }
    let intent = UploadIntent(
      target: url, total: total, label: options.name?.label, mediaType: options.format.mediaType,
      digest: prepared.digest?.bytes)
    if let place = options.place, let dialect = ClientDialect(place.dialect) {
      guard place.url.isSameOrigin(url) else {
        throw UploadError.http(DialogueProblem(.foreignPlace(place.url.description)), from: state.counterpart)
      }
      state.dialogue = UploadDialogue(intent, goingOnAt: place.url, dialect)
    } else {
      state.dialogue = UploadDialogue(intent)
    }
  }

  /// Tells where the upload goes on, before the first byte from there is sent.
  private func announce(_ request: DialogueRequest, _ dialogue: UploadDialogue, _ state: inout HTTPRunState) {
    if !dialogue.isResumable, !state.hasWarned {
      state.hasWarned = true
      onEvent(.cannotBeResumed)
    }
    guard let place = dialogue.place, let dialect = dialogue.dialect, request.method == "PATCH" else {
      if !dialogue.isResumable { state.tally.offered(UploadOffer(key: UploadHandle(url), offset: 0, granted: nil)) }
      return
    }
    state.isUnderWay = true
    guard state.isToBeOffered else { return }
    state.isToBeOffered = false
    let offer = UploadOffer(
      key: UploadHandle(place), dialect: dialect.description, offset: dialogue.offset, granted: nil)
    state.tally.offered(offer)
    onEvent(.offered(offer))
  }

  private func restart(
    _ answer: ServerAnswer, _ feed: NIOLoopBound<any StreamFeed>, _ state: HTTPRunState, on loop: any EventLoop
  ) async throws {
    guard options.restartsUnknownStream else {
      throw UploadError.http(DialogueProblem(.unknownUpload, answer), from: state.counterpart)
    }
    guard try await loop.submit({ feed.value.canStart(at: 0) }).get() else {
      throw UploadError.cannotStartOver(.unknown, nil, from: state.counterpart)
    }
    onEvent(.restarting(.unknown))
  }

  private func outcome(
    _ answer: ServerAnswer, _ body: ByteBuffer, _ request: DialogueRequest, _ dialogue: UploadDialogue,
    _ state: HTTPRunState
  ) throws -> UploadOutcome {
    let told = answer.digest.flatMap { StreamDigest(bytes: $0) }
    if let told, let reading = state.prepared?.reading, reading.reached.end == reading.size,
      told.bytes != reading.reached.digest
    {
      throw UploadError.http(DialogueProblem(.digestMismatch, answer), from: state.counterpart)
    }
    let location = answer.fields.first("Location").flatMap { request.url.resolving($0) }
    let place = dialogue.place ?? location ?? request.url
    return state.tally.outcome(
      UploadHandle(place), total: .known(dialogue.total ?? dialogue.offset), digest: told,
      grownTo: state.prepared?.grownTo, reply: body.readableBytes > 0 ? body : nil)
  }
}

extension StreamFormat {
  /// The media type that says the same over HTTP.
  fileprivate var mediaType: String {
    switch name {
    case "text": "text/plain; charset=utf-8"
    case "json": "application/json"
    default: "application/octet-stream"
    }
  }
}

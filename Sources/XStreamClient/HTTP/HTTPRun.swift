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

  private func run(_ state: inout HTTPRunState, on loop: any EventLoop) async throws -> End {
    let clock = ContinuousClock()
    let began = clock.now
    while true {
      var problem: UploadError
      do {
        let before = clock.now
        if let feed = state.prepared?.feed, state.isUnderWay {
          try await loop.flatSubmit { feed.value.ready(on: loop) }.orCancelled { _ in }
          if clock.now - before > .milliseconds(100) { state.patience.sourceWasSlow(now: clock.now - began) }
        }
        let connection = try await connection(&state, on: loop)
        if connection.agreed == XStreamProtocol.applicationProtocol { return .speaksXStream }
        if state.prepared == nil {
          try await prepare(&state, on: loop)
          // Digests take their time, and servers end connections that say nothing.
          if !(await connection.isUsable()) { continue }
        }
        guard let feed = state.prepared?.feed, var dialogue = state.dialogue else { continue }
        let request = dialogue.request()
        announce(request, dialogue, &state)
        let tally = state.tally
        let onEvent = onEvent
        let end = await connection.carryOut(
          request, token: client.configuration.token, feed: feed, total: dialogue.total, safe: dialogue.offset
        ) { progress in
          tally.progressed(progress)
          onEvent(.progress(progress))
        }
        defer { state.dialogue = dialogue }
        switch end {
        case .feedFailed(let error):
          dialogue.acknowledged(tally.safe)
          throw error.error(nil)
        case .lost(let loss, let sent, let safe):
          if let safe { advance(&dialogue, to: safe, &state, clock.now - began) }
          state.isToBeOffered = true
          try Task.checkCancellation()
          if let problem = dialogue.lost(sent) { throw UploadError.http(problem, from: state.counterpart) }
          problem = loss.error(nil, with: state.counterpart)
        case .answered(let answer, let body, let sent):
          let former = dialogue.offset
          let step = dialogue.answered(answer, sent)
          let safe = dialogue.offset
          try await loop.submit { feed.value.safe(upTo: safe) }.get()
          if safe > former { state.patience.progressed(now: clock.now - began) }
          switch step {
          case .next:
            if request.method != "PATCH" || answer.status / 100 != 2 { state.isToBeOffered = true }
            continue
          case .done(let answer):
            return .complete(try outcome(answer, body, request, dialogue, state))
          case .restart:
            guard options.restartsUnknownStream else {
              throw UploadError.http(DialogueProblem(.unknownUpload, answer), from: state.counterpart)
            }
            try await restart(feed, state, on: loop)
            continue
          case .fail(let failure): throw UploadError.http(failure, from: state.counterpart)
          case .wait(let failure):
            state.isToBeOffered = true
            problem = UploadError.http(failure, from: state.counterpart)
          }
        }
      } catch let loss as ConnectionLoss {
        problem = loss.error(nil, with: state.counterpart)
      } catch is CancellationError {
        throw UploadError.cancelled(nil)
      }
      let now = clock.now - began
      guard let delay = state.patience.delay(after: problem, now: now, jitter: .random(in: 0...1)) else {
        throw problem
      }
      onEvent(.waiting(UploadPause(error: state.placed(problem), delay: delay)))
      if delay > .seconds(2) { await state.dropConnection() }
      do { try await clock.sleep(for: delay) } catch { throw UploadError.cancelled(nil) }
    }
  }

  private func advance(_ dialogue: inout UploadDialogue, to safe: Int64, _ state: inout HTTPRunState, _ now: Duration) {
    let former = dialogue.offset
    dialogue.acknowledged(safe)
    if dialogue.offset > former { state.patience.progressed(now: now) }
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
    _ feed: NIOLoopBound<any StreamFeed>, _ state: HTTPRunState, on loop: any EventLoop
  ) async throws {
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

/// What one run has at hand.
struct HTTPRunState {
  let counterpart: Counterpart
  var patience: Patience
  /// The upload of an earlier run.
  let earlier: HTTPPlace?
  var offersXStream: Bool
  let tally = UploadTally()
  var connection: HTTPConnection?
  var prepared: PreparedSource?
  var dialogue: UploadDialogue?
  /// Whether it is to be told where the upload goes on.
  var isToBeOffered = true
  /// Whether the source is being sent.
  var isUnderWay = false
  var hasWarned = false

  mutating func dropConnection() async {
    await connection?.close()
    connection = nil
  }

  /// The error with where the upload stands.
  func placed(_ error: UploadError) -> UploadError {
    var error = error
    if let dialogue {
      error.place = dialogue.place.flatMap { url in
        dialogue.dialect.map { HTTPPlace(url: url, dialect: $0.description) }
      }
    } else {
      error.place = earlier
    }
    error.safeAtPlace = dialogue.map { max($0.offset, $0.isUnconfirmed ? 0 : tally.safe) }
    return error
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

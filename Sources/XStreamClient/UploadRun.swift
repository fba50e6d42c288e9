import NIOCore
import NIOPosix
import XStream

/// One upload from its source's first look to its end, over as many connections as it takes.
struct UploadRun {
  let client: UploadClient
  let source: UploadSource
  let url: XStreamURL
  let options: UploadOptions
  let onEvent: @Sendable (UploadEvent) -> Void

  func run() async throws -> UploadOutcome {
    var connection: ClientConnection?
    do {
      let outcome = try await run(over: &connection)
      await connection?.closeAndWait()
      return outcome
    } catch {
      await connection?.closeAndWait()
      throw error
    }
  }

  private func run(over connection: inout ClientConnection?) async throws -> UploadOutcome {
    let loop = client.group.next()
    let (feed, digest) = try await prepare(on: loop)
    defer { loop.execute { feed.value.close() } }
    let open = try await openRequest(feed, digest, on: loop)
    let clock = ContinuousClock()
    let began = clock.now
    var plan = UploadPlan(
      policy: options.retry, resume: options.resume, restartsUnknown: options.restartsUnknownStream, now: .zero)
    let tally = UploadTally()

    while true {
      var step: UploadPlan.Step
      do {
        try await ready(feed, on: loop, &plan, since: began, clock)
        if let old = connection, !(await old.isUsable()) {
          old.close()
          connection = nil
        }
        let current: ClientConnection
        if let connection {
          current = connection
        } else {
          onEvent(.connecting(attempt: tally.connectionMade()))
          current = try await ClientConnection.connect(to: url, client.configuration, client.context, on: loop)
          connection = current
        }
        let end = await exchange(on: current, open, plan.point, feed, tally, on: loop)
        try Task.checkCancellation()
        if let offer = tally.takeOffer() { plan.offered(offer) }
        step = plan.ended(end, now: clock.now - began, jitter: .random(in: 0...1))
        if case .done(let outcome) = step { return result(outcome, end, tally, open.total, plan.point) }
      } catch let loss as ConnectionLoss {
        step = plan.notConnected(loss, now: clock.now - began, jitter: .random(in: 0...1))
      } catch is CancellationError {
        throw UploadError.cancelled(tally.takePoint() ?? plan.point)
      }
      switch step {
      case .done, .goOn: continue
      case .fail(let error): throw error
      case .restart: onEvent(.restarting)
      case .again(let delay, let error):
        onEvent(.waiting(UploadPause(error: error, delay: delay)))
        // A server need not keep an idle connection for long.
        if delay > .seconds(2) {
          connection?.close()
          connection = nil
        }
        do { try await clock.sleep(for: delay) } catch { throw UploadError.cancelled(plan.point) }
      }
    }
  }

  private func exchange(
    on connection: ClientConnection, _ open: OpenRequest, _ point: ResumePoint?,
    _ feed: NIOLoopBound<any StreamFeed>, _ tally: UploadTally, on loop: any EventLoop
  ) async -> ExchangeEnd {
    let request: ClientRequest =
      if let point { .resume(ResumeRequest(open: open, key: point.key)) } else { .open(open) }
    let onEvent = onEvent
    do {
      let body = try await loop.submit { NIOLoopBound(ExchangeJob.Body.feed(feed.value), eventLoop: loop) }.get()
      return await connection.exchange(request, from: point, body: body) { report in
        switch report {
        case .offered(let offer):
          tally.offered(offer)
          onEvent(.offered(offer))
        case .progress(let progress):
          tally.progressed(progress)
          onEvent(.progress(progress))
        }
      }
    } catch {
      return .lost(.broken("\(error)"), point)
    }
  }

  /// Opens the source, and hashes it if that is asked for.
  private func prepare(on loop: any EventLoop) async throws -> (NIOLoopBound<any StreamFeed>, StreamDigest?) {
    var digest = options.digest
    let threads = client.threads
    switch source.kind {
    case .bytes(let bytes):
      if options.computesDigest { digest = StreamDigest(of: bytes) }
      return (try await bound(on: loop) { BytesFeed(bytes) }, digest)
    case .sequence(let total, let window, let read):
      return (
        try await bound(on: loop) { SequenceFeed(total: total, window: window, loop: loop, read: read) }, digest
      )
    case .file(let path):
      do {
        let (file, identity) = try await threads.runIfActive {
          let file = try OpenFile(path: path)
          return (file, try file.identity())
        }
        if options.computesDigest {
          let onEvent = onEvent
          digest = try await file.digest(identity: identity, threads: threads) {
            onEvent(.hashing(done: $0, total: identity.size))
          }
        }
        return (
          try await bound(on: loop) { FileFeed(file, identity: identity, threads: threads, loop: loop) }, digest
        )
      } catch let error as FeedError {
        throw error.error(options.resume)
      } catch is CancellationError {
        throw UploadError.cancelled(options.resume)
      }
    }
  }

  private func bound(
    on loop: any EventLoop, _ make: @escaping @Sendable () -> any StreamFeed
  ) async throws -> NIOLoopBound<any StreamFeed> {
    try await loop.submit { NIOLoopBound(make(), eventLoop: loop) }.get()
  }

  private func openRequest(
    _ feed: NIOLoopBound<any StreamFeed>, _ digest: StreamDigest?, on loop: any EventLoop
  ) async throws -> OpenRequest {
    let total = try await loop.submit { feed.value.total }.get()
    var acknowledgeEvery: Int64 = 8 << 20
    if case .sequence(_, let window, _) = source.kind { acknowledgeEvery = max(1, Int64(window) / 8) }
    return OpenRequest(
      context: client.requestContext(url), format: options.format, total: total, buffer: options.buffer,
      acknowledgeEvery: options.acknowledgeEvery ?? acknowledgeEvery, digest: digest, name: options.name)
  }

  /// Waits for a slow source before a connection is made, which the server would end for being silent.
  private func ready(
    _ feed: NIOLoopBound<any StreamFeed>, on loop: any EventLoop, _ plan: inout UploadPlan,
    since began: ContinuousClock.Instant, _ clock: ContinuousClock
  ) async throws {
    let before = clock.now
    try await loop.flatSubmit { feed.value.ready(on: loop) }.orCancelled { _ in }
    if clock.now - before > .milliseconds(100) { plan.sourceWasSlow(now: clock.now - began) }
  }

  private func result(
    _ outcome: ClientOutcome, _ end: ExchangeEnd, _ tally: UploadTally, _ total: Total, _ point: ResumePoint?
  ) -> UploadOutcome {
    var reply: ByteBuffer?
    if case .answered(_, let bytes) = end { reply = bytes }
    // A final that is ok has the stream's key; the machine does not let another pass.
    guard let key = outcome.key ?? point?.key else { preconditionFailure("a complete stream has a key") }
    return tally.outcome(key, total: total, digest: outcome.digest, reply: reply)
  }
}

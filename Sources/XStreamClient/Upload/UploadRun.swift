import NIOCore
import NIOPosix
import XStream

/// One upload from its source's first look to its end, over as many connections as it takes.
struct UploadRun {
  let client: UploadClient
  let source: UploadSource
  let url: XStreamURL
  let options: UploadOptions
  let onEvent: @Sendable (TransferEvent) -> Void

  func run() async throws -> UploadOutcome {
    var connection: GatewayConnection?
    do {
      let outcome = try await run(over: &connection)
      await connection?.closeAndWait()
      return outcome
    } catch {
      await connection?.closeAndWait()
      throw error
    }
  }

  private func run(over connection: inout GatewayConnection?) async throws -> UploadOutcome {
    let loop = client.group.next()
    let preparation = SourcePreparation(client: client, source: source, options: options, onEvent: onEvent)
    let prepared = try await preparation.prepare(on: loop)
    let feed = prepared.feed
    defer { loop.execute { feed.value.close() } }
    var open = try await openRequest(prepared, on: loop)
    let clock = ContinuousClock()
    let began = clock.now
    var plan = UploadPlan(
      policy: options.retry, resume: options.resume, restartsUnknown: options.restartsUnknownStream,
      with: client.counterpart(url), now: .zero)
    let tally = UploadTally()

    while true {
      var step: UploadPlan.Step
      do {
        try await ready(feed, on: loop, &plan, since: began, clock)
        if let old = connection, !(await old.isUsable()) {
          old.close()
          connection = nil
        }
        let current: GatewayConnection
        if let connection {
          current = connection
        } else {
          onEvent(.connecting(attempt: tally.connectionMade()))
          current = try await GatewayConnection.connect(to: url, client.configuration, client.context, on: loop)
          connection = current
        }
        let end = await exchange(on: current, open, plan.point, feed, tally, on: loop)
        try Task.checkCancellation()
        if let offer = tally.takeOffer() { plan.offered(offer) }
        if case .feedFailed(.unproved, _) = end, open.digest == nil, let reading = prepared.reading {
          // More was sent than an earlier run could keep the digest of.
          open.digest = try await preparation.digest(of: reading, plan.point)
          continue
        }
        step = plan.ended(end, now: clock.now - began, jitter: .random(in: 0...1))
        if case .done(let outcome) = step { return result(outcome, end, tally, open.total, plan.point, prepared) }
      } catch let loss as ConnectionLoss {
        step = plan.notConnected(loss, now: clock.now - began, jitter: .random(in: 0...1))
      } catch is CancellationError {
        throw UploadError.cancelled(tally.takePoint() ?? plan.point)
      }
      switch step {
      case .done, .goOn: continue
      case .fail(let error): throw error
      case .restart(let reason, let key, let pause):
        guard try await loop.submit({ feed.value.canStart(at: 0) }).get() else {
          throw UploadError.cannotStartOver(reason, key ?? pause?.error.resumePoint?.key, from: client.counterpart(url))
        }
        if let key, let connection, await connection.isUsable() { await giveUp(key, on: connection) }
        onEvent(.restarting(reason))
        if let pause {
          onEvent(.waiting(pause))
          do { try await clock.sleep(for: pause.delay) } catch { throw UploadError.cancelled(nil) }
        }
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
    on connection: GatewayConnection, _ open: OpenRequest, _ point: ResumePoint?,
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

  /// Gives a stream up that can never be completed. Without an answer the server forgets it by itself.
  private func giveUp(_ key: StreamKey, on connection: GatewayConnection) async {
    _ = await connection.exchange(.giveUp(GiveUpRequest(context: client.requestContext(url), key: key)))
  }

  private func openRequest(_ prepared: PreparedSource, on loop: any EventLoop) async throws -> OpenRequest {
    let feed = prepared.feed
    let total = try await loop.submit { feed.value.total }.get()
    let acknowledgeEvery = prepared.window.map { max(1, Int64($0) / 8) } ?? 8 << 20
    return OpenRequest(
      context: client.requestContext(url, options.traceparent), format: options.format, total: total,
      buffer: options.buffer,
      acknowledgeEvery: options.acknowledgeEvery ?? acknowledgeEvery, digest: prepared.digest, name: options.name)
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
    _ outcome: ClientOutcome, _ end: ExchangeEnd, _ tally: UploadTally, _ total: Total, _ point: ResumePoint?,
    _ prepared: PreparedSource
  ) -> UploadOutcome {
    var reply: ByteBuffer?
    if case .answered(_, let bytes) = end { reply = bytes }
    // A final that is ok has the stream's key; the machine does not let another pass.
    guard let key = outcome.key ?? point?.key else { preconditionFailure("a complete stream has a key") }
    return tally.outcome(
      UploadHandle(key), total: total, digest: outcome.digest, grownTo: prepared.grownTo, reply: reply)
  }
}

import NIOCore
import TLSTransport
import XStream

/// One connection to a server.
struct GatewayConnection: Sendable {
  private let channel: any Channel
  private let handler: NIOLoopBound<ExchangeHandler>

  /// - Throws: ``ConnectionLoss``, or `CancellationError`.
  static func connect(
    to url: XStreamURL, _ configuration: ClientConfiguration, _ context: TLSContext, on loop: any EventLoop
  ) async throws -> GatewayConnection {
    let (channel, handler) = try await SecureChannel.open(
      to: url.host, url.port, configuration, context, on: loop, ExchangeHandler.self
    ) { channel in
      try channel.pipeline.syncOperations.addHandler(
        ExchangeHandler(silenceTimeout: configuration.silenceLimit, replyLimit: configuration.replyLimit))
    }
    return GatewayConnection(channel: channel, handler: handler)
  }

  /// Carries out one exchange. A cancelled task closes the connection.
  func exchange(
    _ request: ClientRequest, from point: ResumePoint? = nil, body: NIOLoopBound<ExchangeJob.Body>? = nil,
    report: @escaping @Sendable (ExchangeJob.Report) -> Void = { _ in }
  ) async -> ExchangeEnd {
    let promise = channel.eventLoop.makePromise(of: ExchangeEnd.self)
    channel.eventLoop.execute {
      handler.value.start(
        ExchangeJob(request: request, point: point, body: body?.value ?? .none, report: report, promise: promise))
    }
    return await withTaskCancellationHandler {
      do { return try await promise.futureResult.get() } catch { return .lost(.broken("\(error)"), point) }
    } onCancel: {
      abandon()
    }
  }

  /// Whether another exchange may follow.
  func isUsable() async -> Bool {
    (try? await channel.eventLoop.submit { handler.value.isUsable }.get()) ?? false
  }

  /// Ends the connection.
  func close() {
    channel.eventLoop.execute { handler.value.leave() }
  }

  /// Ends the connection, and returns when it is over: in a process that ends earlier, nobody would say `close_notify`.
  func closeAndWait() async {
    close()
    try? await channel.closeFuture.get()
  }

  /// Ends the connection, and with it whatever is under way on it.
  private func abandon() {
    channel.eventLoop.execute {
      handler.value.end(.closed)
      handler.value.leave()
    }
  }
}

extension EventLoopFuture where Value: Sendable {
  /// The value, or `CancellationError` as soon as the task is cancelled; a value that comes later is disposed of.
  func orCancelled(_ dispose: @escaping @Sendable (Value) -> Void) async throws -> Value {
    let promise = eventLoop.makePromise(of: Value.self)
    let isCancelled = NIOLoopBoundBox.makeBoxSendingValue(false, eventLoop: eventLoop)
    whenComplete { result in
      if isCancelled.value, case .success(let value) = result {
        dispose(value)
      } else if !isCancelled.value {
        isCancelled.value = true
        promise.completeWith(result)
      }
    }
    return try await withTaskCancellationHandler {
      try await promise.futureResult.get()
    } onCancel: {
      eventLoop.execute {
        guard !isCancelled.value else { return }
        isCancelled.value = true
        promise.fail(CancellationError())
      }
    }
  }
}

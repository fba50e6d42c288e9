import HTTPUpload
import NIOCore
import NIOHTTP1
import TLSTransport
import XStream

/// One connection to an HTTPS server.
struct HTTPConnection: Sendable {
  /// What ALPN calls HTTP/1.1 (RFC 7301).
  static let applicationProtocol = "http/1.1"

  private let channel: any Channel
  private let handler: NIOLoopBound<HTTPJobHandler>
  /// The name that ALPN agreed on; nil where the server knows no ALPN.
  let agreed: String?

  /// Connects, and waits for the end of the handshake.
  ///
  /// - Throws: ``ConnectionLoss``, or `CancellationError`.
  static func connect(
    to url: HTTPSURL, _ configuration: ClientConfiguration, _ context: TLSContext, on loop: any EventLoop
  ) async throws -> HTTPConnection {
    let (channel, handler) = try await SecureChannel.open(
      to: url.host, url.port, configuration, context, on: loop, HTTPJobHandler.self
    ) { channel in
      try channel.pipeline.syncOperations.addHandlers(
        HTTPRequestEncoder(configuration: .init()),
        ByteToMessageHandler(
          HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)),
        HTTPJobHandler(silenceTimeout: configuration.silenceLimit, replyLimit: configuration.replyLimit))
    }
    let agreed = try await loop.flatSubmit { handler.value.agreedProtocol(on: loop) }
      .orCancelled { _ in channel.close(promise: nil) }
    return HTTPConnection(channel: channel, handler: handler, agreed: agreed)
  }

  /// Carries out one request. A cancelled task closes the connection.
  func carryOut(
    _ request: DialogueRequest, token: String?, traceparent: TraceParent?, feed: NIOLoopBound<any StreamFeed>,
    total: Int64?, safe: Int64,
    report: @escaping @Sendable (UploadProgress) -> Void
  ) async -> HTTPEnd {
    let promise = channel.eventLoop.makePromise(of: HTTPEnd.self)
    let head = HTTPRequestHead(request, token: token, traceparent: traceparent)
    channel.eventLoop.execute {
      handler.value.start(
        HTTPJob(
          request: request, head: head, feed: request.content == .none ? nil : feed.value, total: total, safe: safe,
          report: report, promise: promise))
    }
    return await ended(promise)
  }

  /// Carries out a request without content.
  func carryOut(_ request: DialogueRequest, token: String?) async -> HTTPEnd {
    let promise = channel.eventLoop.makePromise(of: HTTPEnd.self)
    let head = HTTPRequestHead(request, token: token)
    channel.eventLoop.execute {
      handler.value.start(HTTPJob(request: request, head: head, safe: 0, report: { _ in }, promise: promise))
    }
    return await ended(promise)
  }

  private func ended(_ promise: EventLoopPromise<HTTPEnd>) async -> HTTPEnd {
    await withTaskCancellationHandler {
      do {
        return try await promise.futureResult.get()
      } catch {
        return .lost(.broken("\(error)"), SentContent(), safe: nil)
      }
    } onCancel: {
      channel.eventLoop.execute {
        handler.value.end(.closed)
        handler.value.leave()
      }
    }
  }

  /// Whether another request may follow.
  func isUsable() async -> Bool {
    (try? await channel.eventLoop.submit { handler.value.isUsable }.get()) ?? false
  }

  /// Ends the connection, and returns when it is over.
  func close() async {
    channel.eventLoop.execute { handler.value.leave() }
    try? await channel.closeFuture.get()
  }
}

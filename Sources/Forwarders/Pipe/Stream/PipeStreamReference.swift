internal import NIOCore

/// A stream, for who is on another event loop.
struct PipeStreamReference: Sendable {
  let address: BackendAddress
  private let eventLoop: any EventLoop
  private let bound: NIOLoopBound<PipeStream>

  /// On the stream's event loop.
  init(_ stream: PipeStream) {
    address = stream.address
    eventLoop = stream.eventLoop
    bound = NIOLoopBound(stream, eventLoop: stream.eventLoop)
  }

  /// At once where this is the stream's event loop; else as soon as that gets to it, in the order of the calls.
  func run(_ body: @escaping @Sendable (PipeStream) -> Void) {
    if eventLoop.inEventLoop { body(bound.value) } else { eventLoop.execute { [bound] in body(bound.value) } }
  }

  /// The same, and says when it is done.
  func submit(_ body: @escaping @Sendable (PipeStream) -> Void) -> EventLoopFuture<Void> {
    eventLoop.submit { [bound] in body(bound.value) }
  }
}

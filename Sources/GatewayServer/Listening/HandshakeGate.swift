import Fronts
import NIOCore
import TLSTransport

/// Stands below TLS, and above what a proxy says. At the client's first bytes it asks whether a handshake may begin: until
/// then nothing has been spent on one. Then it leaves the pipeline.
final class HandshakeGate: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private enum State {
    case untouched
    /// The handshake waits for its turn. What has come is kept, and nothing more is read.
    case waiting(Scheduled<Void>)
    case over
  }

  private let door: ClientDoor
  private var entry: Entry
  private var state = State.untouched
  private var received = ByteBuffer()
  private var isReadWanted = false

  init(_ door: ClientDoor, _ entry: Entry) {
    self.door = door
    self.entry = entry
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let proxied = event as? ProxiedConnection, case .untouched = state {
      guard let located = door.locate(entry, at: proxied.source) else { return close(context) }
      entry = located
    }
    context.fireUserInboundEventTriggered(event)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch state {
    case .over: context.fireChannelRead(data)
    case .waiting:
      var bytes = unwrapInboundIn(data)
      received.writeBuffer(&bytes)
    case .untouched:
      received = unwrapInboundIn(data)
      guard let wait = door.handshakeBegins(entry, now: context.eventLoop.now) else { return close(context) }
      guard wait > .zero else { return pass(context) }
      state = .waiting(context.eventLoop.assumeIsolated().scheduleTask(in: wait) { self.pass(context) })
    }
  }

  func read(context: ChannelHandlerContext) {
    if case .waiting = state { isReadWanted = true } else { context.read() }
  }

  func channelInactive(context: ChannelHandlerContext) {
    if case .waiting(let turn) = state { turn.cancel() }
    state = .over
    context.fireChannelInactive()
  }

  private func pass(_ context: ChannelHandlerContext) {
    var isLate = false
    if case .waiting = state { isLate = true }
    state = .over
    let bytes = received
    received = ByteBuffer()
    context.fireChannelRead(wrapInboundOut(bytes))
    if isLate { context.fireChannelReadComplete() }
    if isReadWanted { context.read() }
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }

  private func close(_ context: ChannelHandlerContext) {
    state = .over
    received = ByteBuffer()
    // Nobody above has said anything that could still be sent.
    context.close(promise: nil)
  }
}

/// Stands above TLS, and notes the end of the handshake. Then it leaves the pipeline.
final class HandshakeEnd: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer

  private let door: ClientDoor
  private let entry: Entry

  init(_ door: ClientDoor, _ entry: Entry) {
    self.door = door
    self.entry = entry
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    context.fireUserInboundEventTriggered(event)
    guard event is TLSHandshakeCompleted else { return }
    door.connections.secured(entry.place)
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }
}

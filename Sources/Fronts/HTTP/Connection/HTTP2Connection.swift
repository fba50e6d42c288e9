import Logging
import NIOCore
import NIOHTTP1
import NIOHTTP2

/// What an HTTP/2 connection needs beside its streams: it ends the connection after an error, at the client's end and when
/// the gateway goes away, which NIO's handlers leave to others, and it widens the window for uploads.
final class HTTP2Connection: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame
  typealias InboundOut = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  /// Uploads at once on one connection.
  static let streams = 16
  /// What a stream may have under way before an upload is offered, in bytes: the protocol's own default.
  private static let narrow = 65_535

  private let front: HTTPFront
  private let label: ConnectionLabel
  private let list: HTTP2StreamList
  private var context: ChannelHandlerContext?
  private var permit: HTTP2Windows.Permit?

  private init(_ front: HTTPFront, label: ConnectionLabel, list: HTTP2StreamList) {
    self.front = front
    self.label = label
    self.list = list
  }

  /// Adds the handlers of HTTP/2.
  static func install(_ front: HTTPFront, on channel: any Channel, peer: ConnectionPeer) throws {
    let manager = NIOHTTP2ServerConnectionManagementHandler(
      eventLoop: channel.eventLoop,
      configuration: .init(maxIdleTime: front.timeouts.idle, maxAge: nil, maxGraceTime: .seconds(30), keepalive: nil))
    let list = HTTP2StreamList(manager.http2StreamDelegate)
    let connection = HTTP2Connection(front, label: peer.label, list: list)
    let bound = NIOLoopBound((connection, peer), eventLoop: channel.eventLoop)
    let handler = NIOHTTP2Handler(
      mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: configuration,
      streamConfiguration: NIOHTTP2Handler.StreamConfiguration(), streamDelegate: list
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        let (connection, peer) = bound.value
        let exchanges = HTTPExchangeHandler(front, peer: peer, connection: connection)
        try stream.pipeline.syncOperations.addHandlers(HTTP2FramePayloadToHTTP1ServerCodec(), exchanges)
      }
    }
    try channel.pipeline.syncOperations.addHandlers(handler, manager, connection)
  }

  private static var configuration: NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: streams),
      HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
      HTTP2Setting(parameter: .initialWindowSize, value: narrow),
    ]
    // What binds memory are the streams' windows: this one is opened again at once, whatever they read.
    configuration.targetWindowSize = HTTP2Windows.wide * 2
    return configuration
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  /// An upload is offered on one of the streams: it gets a window that a long line can fill, where memory allows.
  func widen() {
    guard permit == nil, let permit = front.windows.take(), let context else { return }
    self.permit = permit
    let settings: HTTP2Settings = [HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Windows.wide)]
    let frame = HTTP2Frame(streamID: .rootStream, payload: .settings(.settings(settings)))
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let stopping as GatewayIsStopping:
      context.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
      list.tellAll(stopping)
    case ChannelEvent.inputClosed: context.close(promise: nil)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// Whatever was wrong with the connection, it is over. What NIO has to say about it (GOAWAY) is written by now.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Of one stream alone, which NIO has reset.
    if error is NIOHTTP2Errors.StreamError { return }
    front.logger.log(
      level: list.isEmpty ? .debug : .info, "Connection lost", metadata: label.metadata(["reason": "\(error)"]))
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    if let permit { front.windows.giveBack(permit) }
    permit = nil
    front.logger.debug("Connection closed", metadata: label.metadata())
    context.fireChannelInactive()
  }
}

/// The streams of one connection that are open.
///
/// `@unchecked Sendable`, because NIO calls its delegate on the connection's event loop alone, where the rest of it is used.
final class HTTP2StreamList: NIOHTTP2StreamDelegate, @unchecked Sendable {
  private let next: any NIOHTTP2StreamDelegate
  private var channels: [HTTP2StreamID: any Channel] = [:]

  init(_ next: any NIOHTTP2StreamDelegate) {
    self.next = next
  }

  var isEmpty: Bool { channels.isEmpty }

  func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
    channels[id] = channel
    next.streamCreated(id, channel: channel)
  }

  func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
    channels[id] = nil
    next.streamClosed(id, channel: channel)
  }

  func tellAll(_ event: GatewayIsStopping) {
    for channel in channels.values { channel.pipeline.fireUserInboundEventTriggered(event) }
  }
}

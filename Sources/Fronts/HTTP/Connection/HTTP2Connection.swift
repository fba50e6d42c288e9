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

  /// Streams at once on a connection with wide windows.
  static let streams = 16
  /// Streams at once on any other. Clients begin as many before they have read a server's settings (RFC 9113, section
  /// 6.5.2, recommends no fewer), and NIO ends a connection that has more.
  private static let narrowStreams = 100
  /// What a stream may have under way before an upload is offered, in bytes: the protocol's own default.
  private static let narrow = 65_535
  /// What all streams together may have under way, in bytes. What binds memory are the streams' windows: this one is
  /// opened again at once, whatever they read.
  private static let whole = HTTP2Windows.wide * 2

  private let front: HTTPFront
  private let label: ConnectionLabel
  private let list: HTTP2StreamList
  private let bodies = HTTP2Bodies(
    streamWindow: HTTP2Connection.narrow, connectionWindow: HTTP2Connection.whole)
  private var context: ChannelHandlerContext?
  private var permit: HTTP2Windows.Permit?
  private var watch: ConnectionWatch?
  private var isStopping = false
  private var isDraining = false
  /// Whether there was a stream yet.
  private var wasAsked = false

  private init(_ front: HTTPFront, label: ConnectionLabel, list: HTTP2StreamList) {
    self.front = front
    self.label = label
    self.list = list
  }

  /// Adds the handlers of HTTP/2.
  static func install(_ front: HTTPFront, on channel: any Channel, peer: ConnectionPeer) throws {
    let list = HTTP2StreamList()
    let connection = HTTP2Connection(front, label: peer.label, list: list)
    list.onChange = { [weak connection] in connection?.streamsChanged() }
    connection.bodies.onExcess = { [weak connection] in connection?.windowWasExceeded() }
    let bound = NIOLoopBound((connection, peer), eventLoop: channel.eventLoop)
    let handler = NIOHTTP2Handler(
      mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: configuration,
      streamConfiguration: NIOHTTP2Handler.StreamConfiguration(), streamDelegate: list
    ) { stream in
      stream.eventLoop.makeCompletedFuture {
        let (connection, peer) = bound.value
        let exchanges = HTTPExchangeHandler(front, peer: peer, connection: connection)
        try stream.pipeline.syncOperations.addHandlers(
          HTTP2Body(connection.bodies), HTTP2Authority(), HTTP2FramePayloadToHTTP1ServerCodec(), exchanges)
      }
    }
    try channel.pipeline.syncOperations.addHandlers(HTTP2Pace(), connection.bodies, handler, connection)
  }

  private static var configuration: NIOHTTP2Handler.ConnectionConfiguration {
    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
    configuration.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: narrowStreams),
      HTTP2Setting(parameter: .maxHeaderListSize, value: 16 << 10),
      HTTP2Setting(parameter: .initialWindowSize, value: narrow),
    ]
    configuration.targetWindowSize = whole
    // ``HTTP2Body`` does it.
    configuration.contentLengthValidation = .disabled
    return configuration
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    watch = ConnectionWatch(
      front.timeouts, on: context.eventLoop, currentPhase: { [list] in list.isEmpty ? .idle : .ownWork },
      onVerdict: { [weak self] _ in self?.end() })
    watch?.look()
    // NIO's handler would at the first frame of a body, which it does not see.
    let opening = HTTP2Frame(
      streamID: .rootStream, payload: .windowUpdate(windowSizeIncrement: Self.whole - Self.narrow))
    context.writeAndFlush(wrapOutboundOut(opening), promise: nil)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    watch = nil
  }

  private func streamsChanged() {
    wasAsked = true
    if isDraining { end() }
    if isStopping, list.isEmpty { context?.close(promise: nil) }
    watch?.look()
  }

  /// Says that no new stream is taken, and closes once none is left.
  private func end() {
    guard let context, !isStopping else { return }
    isStopping = true
    let frame = HTTP2Frame(
      streamID: .rootStream, payload: .goAway(lastStreamID: .maxID, errorCode: .noError, opaqueData: nil))
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    if list.isEmpty { context.close(promise: nil) }
  }

  /// The gateway goes away: no new streams, and what is under way has time to end.
  private func drainStreams() {
    isDraining = true
    if wasAsked { return end() }
    context?.eventLoop.assumeIsolated().scheduleTask(in: GatewayIsDraining.patience) { self.end() }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    watch?.writability(isWritable: context.channel.isWritable)
    watch?.look()
    context.fireChannelWritabilityChanged()
  }

  /// An upload is offered on one of the streams: it gets a window that a long line can fill, where memory allows.
  func widen() {
    guard permit == nil, let permit = front.windows.take(), let context else { return }
    self.permit = permit
    let settings: HTTP2Settings = [
      HTTP2Setting(parameter: .initialWindowSize, value: HTTP2Windows.wide),
      HTTP2Setting(parameter: .maxConcurrentStreams, value: Self.streams),
    ]
    let frame = HTTP2Frame(streamID: .rootStream, payload: .settings(.settings(settings)))
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    bodies.widen(to: HTTP2Windows.wide)
  }

  /// The client sends more than it may (RFC 9113, section 6.9.1).
  private func windowWasExceeded() {
    guard let context else { return }
    let frame = HTTP2Frame(
      streamID: .rootStream, payload: .goAway(lastStreamID: .maxID, errorCode: .flowControlError, opaqueData: nil))
    context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case let stopping as GatewayIsStopping:
      end()
      list.tellAll(stopping)
    case is GatewayIsDraining: drainStreams()
    case ChannelEvent.inputClosed: context.close(promise: nil)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  /// Whatever was wrong with the connection, it is over. What NIO has to say about it (GOAWAY) is written by now.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Others go on.
    if Self.isOfOneStream(error) { return }
    front.logger.debug("Connection lost", metadata: label.metadata(["reason": "\(error)"]))
    context.close(promise: nil)
  }

  /// Whether an error is of one stream alone, which NIO has reset. It fires both kinds alike.
  private static func isOfOneStream(_ error: any Error) -> Bool {
    switch error {
    case is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.MissingPseudoHeader,
      is NIOHTTP2Errors.DuplicatePseudoHeader, is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader,
      is NIOHTTP2Errors.UnknownPseudoHeader, is NIOHTTP2Errors.UnsupportedPseudoHeader,
      is NIOHTTP2Errors.InvalidPseudoHeaders, is NIOHTTP2Errors.InvalidPseudoHeaderValue,
      is NIOHTTP2Errors.MissingHostHeader, is NIOHTTP2Errors.DuplicateHostHeader, is NIOHTTP2Errors.EmptyPathHeader,
      is NIOHTTP2Errors.TrailersWithoutEndStream, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName,
      is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue, is NIOHTTP2Errors.ForbiddenHeaderField,
      is NIOHTTP2Errors.ContentLengthViolated, is NIOHTTP2Errors.ContentLengthHeadersMismatch,
      is NIOHTTP2Errors.ContentLengthHeaderNegative, is NIOHTTP2Errors.ContentLengthHeaderMalformedValue:
      true
    default: false
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    watch?.stop()
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
  private var channels: [HTTP2StreamID: any Channel] = [:]
  /// NIO tells of a stream that its head already ends as closed first, and as created then.
  private var closedEarly: Set<HTTP2StreamID> = []
  /// Called when a stream was opened or closed.
  var onChange: () -> Void = {}

  var isEmpty: Bool { channels.isEmpty }

  func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
    guard closedEarly.remove(id) == nil else { return }
    channels[id] = channel
    onChange()
  }

  func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
    if channels.removeValue(forKey: id) == nil { closedEarly.insert(id) }
    onChange()
  }

  func tellAll(_ event: GatewayIsStopping) {
    for channel in channels.values { channel.pipeline.fireUserInboundEventTriggered(event) }
  }
}

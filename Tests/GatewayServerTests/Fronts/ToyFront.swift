import Fronts
import GatewayCore
import Logging
import NIOCore

/// The smallest front that there can be: a line asks, bytes follow, lines answer.
///
/// `open ROUTE TOTAL`, `resume ROUTE KEY`, `status ROUTE KEY` and `cancel ROUTE KEY` are answered by `offer KEY OFFSET END`,
/// `safe OFFSET`, `at OFFSET`, `done`, `stopped REASON OFFSET`, `failed OFFSET`, `cancelled` and `refused REASON`.
struct ToyFront: Front {
  static let name = "toy/1"
  let gateway: Gateway
  let timeouts: FrontTimeouts
  let logger: Logger

  var applicationProtocols: [String] { [Self.name] }
  func recognises(_ firstBytes: ByteBufferView) -> Bool? {
    let words = ["open ", "resume ", "status ", "cancel "]
    let text = String(decoding: firstBytes.prefix(7), as: UTF8.self)
    return words.contains { text.hasPrefix($0) } ? true : words.contains { $0.hasPrefix(text) } ? nil : false
  }

  func install(on channel: any Channel, peer: ConnectionPeer) throws {
    try channel.pipeline.syncOperations.addHandler(ToyHandler(self, peer))
  }
}

final class ToyHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let (front, peer): (ToyFront, ConnectionPeer)
  private var context: ChannelHandlerContext?
  private var session: UploadSession?
  private var watch: ConnectionWatch?
  private var input = ByteBuffer()
  private var (position, total): (Int64, Int64?) = (0, nil)
  private var isReadWanted = false

  init(_ front: ToyFront, _ peer: ConnectionPeer) {
    (self.front, self.peer) = (front, peer)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    session = UploadSession(gateway: front.gateway, on: context.eventLoop, logger: front.logger) { self.said($0) }
    watch = ConnectionWatch(
      front.timeouts, on: context.eventLoop,
      currentPhase: { self.session?.awaitsBytes == true ? .body : self.session?.hasUpload == true ? .ownWork : .idle },
      onVerdict: { verdict in
        guard let slowness = verdict.slowness else { return context.close(promise: nil) }
        self.session?.isSlow(slowness)
      })
    watch?.look()
  }

  func handlerRemoved(context: ChannelHandlerContext) { (self.context, session, watch) = (nil, nil, nil) }

  func channelInactive(context: ChannelHandlerContext) {
    watch?.stop()
    session?.connectionIsGone()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is GatewayIsStopping, session?.gatewayStops() == true { context.close(promise: nil) }
    if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
  }

  func read(context: ChannelHandlerContext) {
    isReadWanted = session?.isPaused == true
    if !isReadWanted { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    watch?.received(bytes.readableBytes)
    input.writeBuffer(&bytes)
    take()
  }

  private func take() {
    while let session, session.takesBytes, input.readableBytes > 0 {
      if session.awaitsBytes || session.isPaused {
        let count = Int(min(Int64(input.readableBytes), session.grantedEnd - position))
        position += Int64(count)
        if let bytes = input.readSlice(length: count) { session.write(bytes) }
        guard position == session.grantedEnd else { continue }
        if position == total { session.finish() } else { session.grantFilled(isOfUnknownLength: false) }
      } else if !session.hasUpload, let end = input.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) {
        let line = input.readString(length: end + 1 - input.readerIndex)?.dropLast() ?? ""
        ask(line.split(separator: " ").map(String.init), session)
      } else {
        break
      }
    }
    watch?.look()
    if isReadWanted, session?.isPaused == false { context?.read() }
  }

  private func ask(_ words: [String], _ session: UploadSession) {
    guard words.count == 3 else { return say("refused malformed") }
    let access = AccessRequest(route: words[1], credentials: peer.credentials)
    let transfer = TransferTerms(buffer: 1 << 16, acknowledgeEvery: 1 << 20, checkpointEvery: 1 << 20)
    do throws(Refusal) {
      guard words[0] != "open" else {
        return try session.open(
          UploadRequest(access: access, shape: .stream, format: .bytes, total: Int64(words[2]), transfer: transfer),
          about: { [:] })
      }
      guard let key = UploadKey(words[2]) else { throw .unknownUpload }
      switch words[0] {
      case "resume":
        try session.resume(UploadResumption(key: key, access: access, transfer: transfer), about: { [:] })
      case "status": session.status(of: key, access) { self.answer($0) { "at \($0.safe)" } }
      case "cancel": session.cancel(key, access) { self.answer($0) { "cancelled" } }
      default: say("refused malformed")
      }
    } catch {
      session.ended()
      say("refused \(error)")
    }
  }

  private func answer<Value>(_ result: Result<Value, Refusal>, _ words: (Value) -> String) {
    do { say(words(try result.get())) } catch { say("refused \(error)") }
  }

  private func said(_ event: SessionEvent) {
    switch event {
    case .offered(let offer):
      (position, total) = (offer.offset, offer.total)
      say("offer \(offer.key.text) \(offer.offset) \(offer.granted)")
      if offer.offset == offer.total { session?.finish() }
    case .safe(let offset): say("safe \(offset)")
    case .goOn: break
    case .refused(let refusal): end("refused \(refusal)")
    case .alreadyComplete, .complete: end("done")
    case .stopped(let reason, let offset): end("stopped \(reason) \(offset)")
    case .failed(_, let safe): end("failed \(safe)")
    }
    take()
  }

  private func end(_ line: String) {
    session?.ended()
    say(line)
    if line.hasPrefix("stopped"), !line.contains("grantFull") { context?.close(promise: nil) }
  }

  private func say(_ line: String) {
    context?.writeAndFlush(wrapOutboundOut(ByteBuffer(string: line + "\n")), promise: nil)
  }
}

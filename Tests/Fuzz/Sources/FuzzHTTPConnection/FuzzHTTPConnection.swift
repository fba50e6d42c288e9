import FuzzDriver
import GatewayCore
import HTTPUpload
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TLSTransport

@testable import Fronts

/// Sends arbitrary bytes to the front as an HTTP/1.1 connection, over a gateway whose ledger and store are in memory.
///
/// The upload with the key of 32 times `K` is there and open, so that requests can go on with one.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTPConnection(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard let input = FuzzInput(start, count) else { return 0 }
  var connection = FuzzConnection(input)
  connection.run()
  return 0
}

struct FuzzConnection {
  private static let route = "/files"
  private static let known = String(repeating: "K", count: 32)

  private var input: FuzzInput
  private let loop = EmbeddedEventLoop()
  private let channel: EmbeddedChannel
  private let socket = SocketEnd()
  private let watch = RequestWatch()
  private let ledger = TestLedger()
  private let store = ByteStore()
  private let gateway: Gateway

  init(_ input: FuzzInput) {
    self.input = input
    let route = Route(
      path: Self.route, formats: [.bytes], buffer: 1024...65536,
      limits: RouteLimits(upload: 4096, held: 1 << 20, concurrent: 4, unfinished: 8, payload: 4096),
      resumeFor: .seconds(3600), takesStreams: true,
      access: RouteAccess(takesAnyone: true, takesCertificates: false, tokens: nil))
    let now: @Sendable () -> WallTime = { WallTime(milliseconds: 1_000_000) }
    gateway = Gateway(
      destinations: [(route: route, forwarder: store)], ledger: ledger,
      settings: GatewaySettings(window: 64, memory: 1 << 20, holder: "here", now: now))
    channel = EmbeddedChannel(loop: loop)
    guard let key = UploadKey(Self.known) else { preconditionFailure("no key") }
    let facts = UploadFacts(key: key, route: Self.route, total: 10, createdAt: now())
    ledger.insert(
      UploadRecord(
        facts: facts, committed: 0, granted: 10, state: .open, epoch: 1, expiresAt: WallTime(milliseconds: .max)))
    store.stored[key] = ByteStore.Stored()
    let front = HTTPFront(
      gateway: gateway, settings: HTTPSettings(hasPage: false),
      timeouts: FrontTimeouts(head: .seconds(10), idle: .seconds(30), silence: .seconds(20)),
      logger: Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() })
    do {
      try channel.pipeline.syncOperations.addHandler(socket)
      try front.install(on: channel, peer: ConnectionPeer(address: "192.0.2.1", recordPath: .library, now: now))
      try channel.pipeline.syncOperations.addHandler(watch, position: .after(decoder()))
    } catch {
      preconditionFailure("no pipeline: \(error)")
    }
    channel.pipeline.fireChannelActive()
    channel.read()
  }

  private func decoder() throws -> any ChannelHandler {
    try channel.pipeline.syncOperations.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
  }

  mutating func run() {
    for slice in input.slices() {
      guard becomesReadable() else { break }
      channel.pipeline.fireChannelRead(ByteBuffer(bytes: slice))
      channel.pipeline.fireChannelReadComplete()
      channel.read()
      if input.decide(2) == 0 { loop.run() }
      if input.decide(20) == 0 { loop.advanceTime(by: .seconds(11)) }
      if input.decide(10) == 0 { toggleWritability() }
    }
    loop.run()
    check()
    end()
    precondition(gateway.memory.bytesInUse == 0, "\(gateway.memory.bytesInUse) bytes are held for nobody")
    precondition(ledger.violations.isEmpty, "the ledger: \(ledger.violations)")
  }

  /// Whether more may be sent. What the gateway has to do for it is done by then, if the client reads.
  private func becomesReadable() -> Bool {
    if socket.isReadWanted, !isClosed { return true }
    if !channel.isWritable { toggleWritability() }
    loop.run()
    precondition(socket.isReadWanted || isClosed, "nothing is read any more: \(watch.requests)")
    return !isClosed
  }

  private var isClosed: Bool { socket.hasEnded && !channel.isActive || !socket.isReadWanted && socket.hasEnded }

  private func toggleWritability() {
    channel.isWritable.toggle()
    channel.pipeline.fireChannelWritabilityChanged()
  }

  private mutating func end() {
    if input.decide(3) == 0 {
      channel.pipeline.fireUserInboundEventTriggered(GatewayIsStopping())
      loop.run()
    }
    if input.decide(2) == 0 {
      channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      loop.run()
    }
    check()
    channel.pipeline.fireChannelInactive()
    loop.run()
    loop.advanceTime(by: .seconds(60))
    _ = try? channel.finish(acceptAlreadyClosed: true)
    loop.run()
  }

  /// One answer to each request at most, each of which a client can read, and stored what was sent.
  private func check() {
    let requests = watch.requests
    let answers = Answers(socket.output, methods: requests.map(\.head.method.rawValue)).final
    precondition(
      answers.count <= requests.count + (watch.hasFailed || answers.last?.status == 408 ? 1 : 0), "\(answers)")
    for (place, answer) in answers.enumerated() where answer.fields["connection"] == "close" {
      precondition(place == answers.count - 1, "an answer behind the last one")
    }
    for (request, answer) in zip(requests, answers) where answer.status == 201 { check(request, answer) }
  }

  private func check(_ request: RequestWatch.Request, _ answer: Answers.Answer) {
    guard request.head.method == .PUT, answer.fields["upload-complete"] != "?0",
      answer.fields["upload-incomplete"] != "?1"
    else { return }
    guard request.isWhole, let place = answer.fields["location"], let key = UploadKey(String(place.suffix(32))) else {
      preconditionFailure("201 to a part of a request, or without a place: \(answer)")
    }
    let stored = store.stored[key]
    precondition(stored?.isPlaced == true && stored?.bytes == request.body, "stored: \(String(describing: stored))")
  }
}

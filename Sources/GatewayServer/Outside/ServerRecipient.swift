import GatewayCore
import HTTPUpload
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TLSTransport

/// A server that is told by HTTP POST over TLS, one connection a message. An answer of class 2xx says that it has it; redirects
/// are not followed.
final class ServerRecipient: OutsideRecipient {
  private let server: Configuration.Server
  private let context: TLSContext
  private let timeLimit: TimeAmount
  private let answerLimit: Int
  private let eventLoops: any EventLoopGroup
  private let contentType: String
  private let open = Mutex<[ObjectIdentifier: any Channel]>([:])

  /// - Parameters:
  ///   - contentType: of the messages.
  ///   - answerLimit: bytes of an answer that are kept.
  /// - Throws: what is wrong with the authorities' file.
  init(
    _ server: Configuration.Server, contentType: String, timeLimit: Duration, answerLimit: Int = 1024,
    eventLoops: any EventLoopGroup
  ) throws(TLSConfigurationError) {
    self.server = server
    self.contentType = contentType
    self.timeLimit = TimeAmount(timeLimit)
    self.answerLimit = answerLimit
    self.eventLoops = eventLoops
    context = try server.makeContext()
  }

  func send(_ message: OutsideMessage) async -> OutsideAnswer {
    let eventLoop = eventLoops.next()
    let promise = eventLoop.makePromise(of: OutsideAnswer.self)
    let head = head(of: message)
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(timeLimit)
      .channelInitializer { [context, timeLimit, answerLimit, host = server.url.host] channel in
        channel.eventLoop.makeCompletedFuture {
          let sync = channel.pipeline.syncOperations
          try sync.addHandler(TLSHandler(context: context, serverName: host, handshakeDeadline: timeLimit))
          try sync.addHandlers(
            HTTPRequestEncoder(configuration: .init()),
            ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes)),
            ServerExchangeHandler(
              head: head, body: ByteBuffer(string: message.body), timeLimit: timeLimit, answerLimit: answerLimit,
              promise: promise))
        }
      }
    bootstrap.connect(host: server.url.host, port: server.url.port).whenComplete { result in
      switch result {
      case .success(let channel):
        self.open.withLock { $0[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { _ in
          self.open.withLock { $0[ObjectIdentifier(channel)] = nil }
          promise.succeed(.refused(reason: "the connection ended before there was an answer"))
        }
      case .failure(let error):
        promise.succeed(.refused(reason: "no connection to \(self.server.url.authority): \(error)"))
      }
    }
    return (try? await promise.futureResult.get()) ?? .refused(reason: "the connection failed")
  }

  private func head(of message: OutsideMessage) -> HTTPRequestHead {
    var headers = HTTPHeaders([
      ("host", server.url.authority), ("user-agent", "sluice/\(ReleaseVersion.number)"),
      ("content-type", contentType), ("content-length", "\(message.body.utf8.count)"), ("accept", "application/json"),
      ("connection", "close"),
    ])
    let fields = server.secrets.fields(id: message.id, body: message.body, at: WallTime.now().milliseconds / 1000)
    for field in fields { headers.add(name: field.name, value: field.value) }
    return HTTPRequestHead(version: .http1_1, method: .POST, uri: server.url.target, headers: headers)
  }

  func retire() {}

  func stop() {
    for channel in open.withLock({ Array($0.values) }) { channel.close(promise: nil) }
  }
}

extension Configuration.Server {
  /// For connections to it.
  ///
  /// - Throws: what is wrong with the authorities' file.
  func makeContext() throws(TLSConfigurationError) -> TLSContext {
    try TLSContext(
      client: TLSClientConfiguration(
        trust: authorities.map { .caFile($0) } ?? .systemRoots, applicationProtocols: ["http/1.1"]))
  }
}

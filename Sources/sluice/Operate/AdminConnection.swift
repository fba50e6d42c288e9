import GatewayServer
import NIOCore
import NIOHTTP1
import NIOPosix

/// Questions to a gateway's admin listener, from the same machine.
struct AdminConnection: Sendable {
  /// What came back.
  struct Answer: Sendable {
    var status: UInt
    var body: String

    var isGood: Bool { status < 300 }
  }

  private let admin: Configuration.Admin
  /// Of an operator; `nil` where the listener asks for none.
  private let token: String?

  init(_ admin: Configuration.Admin, token: String?) {
    self.admin = admin
    self.token = token
  }

  /// - Parameters:
  ///   - change: whether something is to be done (POST), and not to be told (GET).
  ///   - limit: for all of it.
  /// - Throws: `CommandFailure` where nobody answers in time, or not with what can be understood.
  func ask(_ path: String, change: Bool = false, within limit: TimeAmount = .seconds(5)) async throws -> Answer {
    let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    let promise = eventLoop.makePromise(of: Answer.self)
    let request = head(path, change: change)
    let bootstrap = ClientBootstrap(group: eventLoop)
      .connectTimeout(limit)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(AnswerCollector(request, into: promise))
        }
      }
    let connected =
      switch admin.place {
      case .unix(let path): bootstrap.connect(unixDomainSocketPath: path)
      case .address(let address): bootstrap.connect(host: address.host, port: address.port)
      case .systemd: eventLoop.makeFailedFuture(AnswerCollector.Failure.cut) as EventLoopFuture<any Channel>
      }
    connected.cascadeFailure(to: promise)
    let late = eventLoop.scheduleTask(in: limit) { promise.fail(AnswerCollector.Failure.late) }
    defer { late.cancel() }
    do {
      return try await promise.futureResult.get()
    } catch {
      throw CommandFailure(
        "the admin listener \(admin.description) does not answer: is the gateway running? (\(error))")
    }
  }

  private func head(_ path: String, change: Bool) -> HTTPRequestHead {
    var fields: HTTPHeaders = ["Host": "localhost", "Connection": "close"]
    if change {
      fields.add(name: "X-Sluice-Operator", value: "1")
      fields.add(name: "Content-Length", value: "0")
    }
    if let token { fields.add(name: "Authorization", value: "Bearer \(token)") }
    return HTTPRequestHead(version: .http1_1, method: change ? .POST : .GET, uri: path, headers: fields)
  }
}

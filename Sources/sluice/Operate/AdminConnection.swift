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
    let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .connectTimeout(limit)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHTTPClientHandlers()
          try channel.pipeline.syncOperations.addHandler(AnswerCollector(head(path, change: change), within: limit))
        }
      }
    do {
      let channel =
        switch admin.place {
        case .unix(let path): try await bootstrap.connect(unixDomainSocketPath: path).get()
        case .address(let address): try await bootstrap.connect(host: address.host, port: address.port).get()
        case .systemd: throw CommandFailure("the admin listener cannot be a socket of systemd")
        }
      return try await channel.pipeline.handler(type: AnswerCollector.self).flatMap(\.answer).get()
    } catch let failure as CommandFailure {
      throw failure
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

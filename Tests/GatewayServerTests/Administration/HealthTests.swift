import Foundation
import NIOCore
import NIOPosix
import Testing
import XStreamClient

@testable import GatewayServer

/// Whether a gateway lives and is ready, and who may ask.
@Suite(.timeLimit(.minutes(1))) struct HealthTests {
  @Test("a gateway that works lives and is ready, over a socket in the file system too", arguments: [true, false])
  func well(overSocket: Bool) async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.more = overSocket ? "admin: {listen: 'unix:\(folder.path)/admin.sock'}" : "admin: {listen: 127.0.0.1:0}"
    try await withGateway(setup, in: folder) { gateway in
      for path in ["/livez", "/readyz"] {
        let answer = try await AdminQuestion.ask(gateway, path)
        #expect(answer.status == 200 && answer.body == "ok\n", "\(path): \(answer)")
      }
      let mode = try FileManager.default.attributesOfItem(atPath: folder.path)[.posixPermissions]
      #expect(mode != nil)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path + "/admin.sock"))
  }

  @Test("a store that is away makes it live on and be not ready, and back again when it is there")
  func storeAway() async throws {
    try await withGateway(.administered) { gateway in
      let (there, away) = (gateway.folder.uploads, gateway.folder.path + "/away")
      try FileManager.default.moveItem(atPath: there, toPath: away)
      let answer = try await AdminQuestion.ask(gateway, "/readyz")
      #expect(answer.status == 503 && answer.body.contains("/upload-file: the store"), "\(answer)")
      #expect(try await AdminQuestion.ask(gateway, "/livez").status == 200)
      try FileManager.default.moveItem(atPath: away, toPath: there)
      #expect(try await AdminQuestion.ask(gateway, "/readyz").status == 200)
    }
  }

  @Test("an event loop that does not answer makes it neither live nor be ready, and it is told which")
  func stuckLoop() async throws {
    try await withGateway(.administered) { gateway in
      #expect(try await AdminQuestion.ask(gateway, "/livez").status == 200)
      let release = DispatchSemaphore(value: 0)
      let loop = gateway.running.eventLoops.next()
      loop.execute { release.wait() }
      var answer = try await AdminQuestion.ask(gateway, "/livez")
      let deadline = ContinuousClock.now + .seconds(20)
      while answer.status == 200, ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(500))
        answer = try await AdminQuestion.ask(gateway, "/livez")
      }
      #expect(answer.status == 503 && answer.body.contains("event-loop 0"), "\(answer)")
      #expect(try await AdminQuestion.ask(gateway, "/readyz").status == 503)
      // Metrics need no event loop of uploads.
      let read = try await gateway.metrics()
      #expect(try #require(read["sluice_event_loop_lag_seconds{loop=\"0\"}"]) > 5)
      release.signal()
    }
  }

  @Test("a gateway that is stopping is not ready, and says so to the end")
  func stopping() async throws {
    var setup = GatewaySetup.administered
    setup.timeouts = "shutdown: 10s"
    let folder = try GatewayFolder()
    let running = try await RunningGateway.start(setup.configuration(in: folder), logger: CapturedLog().logger)
    let gateway = GatewayUnderTest(running: running, folder: folder, log: CapturedLog())
    // A client that reads nothing holds its connection for a while.
    let client = try await RawClient.connect(gateway.port)
    try await client.open(total: "20", ack: 1)
    _ = await client.packet()
    let stopping = Task { await running.stop() }
    #expect(await eventually { running.isStopping })
    let answer = try await AdminQuestion.ask(gateway, "/readyz")
    #expect(answer.status == 503 && answer.body.contains("stopping"), "\(answer)")
    client.channel.close(promise: nil)
    await stopping.value
    #expect(running.adminAddress == nil)
  }

  @Test("who may ask: a token where one is wanted, no page that calls this machine by another name, and GET alone")
  func access() async throws {
    try await withGateway(.administered) { gateway in
      let long = "X: " + String(repeating: "x", count: 9000)
      let questions: [(path: String, more: [String], status: Int)] = [
        ("/metrics", ["-H", "Host: attacker.example"], 421), ("/metrics", ["-H", "Host: localhost:9090"], 200),
        ("/metrics", ["-X", "POST"], 403), ("/metrics", ["-X", "PUT"], 405), ("/nothing", [], 404),
      ]
      for question in questions {
        let answer = try await AdminQuestion.ask(gateway, question.path, question.more)
        #expect(answer.status == question.status, "\(question)")
      }
      let large = try await AdminQuestion.ask(gateway, "/", ["-H", long])
      #expect(large.status != 200)
    }
    var setup = GatewaySetup()
    setup.more = "admin: {listen: 127.0.0.1:0, tls: true, tokens: tokens}"
    try await withGateway(setup) { gateway in
      let secured = ["--cacert", TestCertificates.ours.ca]
      func ask(_ more: [String]) async throws -> Int {
        try await AdminQuestion.ask(gateway, "/livez", secured + more, scheme: "https").status
      }
      let questions: [(more: [String], status: Int)] = [
        ([], 401), (["-H", "Authorization: Bearer nobody"], 401),
        (["-H", "Authorization: Bearer \(Token.alice.secret)"], 200), (["-u", "anybody:\(Token.alice.secret)"], 200),
      ]
      for question in questions {
        let status = try await ask(question.more)
        #expect(status == question.status, "\(question.more)")
      }
      let plain = try await AdminQuestion.ask(gateway, "/livez")
      #expect(plain.status == 0)
      #expect(!gateway.log.text.contains(Token.alice.secret))
    }
  }

  @Test("a connection that asks nothing is cut, and so is one too many")
  func bounds() async throws {
    try await withGateway(.administered) { gateway in
      let port = try #require(gateway.running.adminAddress?.split(separator: ":").last.flatMap { Int($0) })
      var clients: [RawClient] = []
      for _ in 0..<33 { clients.append(try await RawClient.connect(port, usesTLS: false)) }
      _ = await clients[32].end()
      for client in clients { client.channel.close(promise: nil) }
      #expect(try await AdminQuestion.ask(gateway, "/livez").status == 200)
    }
  }
}

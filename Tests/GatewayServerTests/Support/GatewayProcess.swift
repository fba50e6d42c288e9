import XStream
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing
import XStreamClient

/// The `sluice` binary, beside the tests' own.
enum SluiceBinary {
  static let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "sluice").path
}

/// A gateway in a process of its own, on a port of which a test knows beforehand, so that it can be started again there.
final class GatewayProcess: Sendable {
  let folder: GatewayFolder
  let port: Int
  private let setup: GatewaySetup
  /// In front of the command, such as a tracer.
  private let wrapper: [String]
  private let current = Mutex<Program?>(nil)

  init(_ setup: GatewaySetup = GatewaySetup(), in folder: GatewayFolder, wrapper: [String] = []) throws {
    self.folder = folder
    self.wrapper = wrapper
    self.port = try Self.freePort()
    var setup = setup
    setup.port = port
    self.setup = setup
    try folder.write("sluice.yaml", setup.yaml)
  }

  func url(_ route: String = "/upload-file") throws -> XStreamURL { try .local(port, route) }

  /// Writes another configuration, with the same port, for the next start or reload.
  func configure(_ setup: GatewaySetup) throws {
    var setup = setup
    setup.port = port
    try folder.write("sluice.yaml", setup.yaml)
  }

  /// `sluice reload`.
  func reload() async throws -> Program.Result {
    try await sluice(["reload", "--config", folder.path + "/sluice.yaml"], in: folder)
  }

  var program: Program? { current.withLock { $0 } }
  /// What the current process logged.
  var log: String { program?.errors ?? "" }

  /// Starts it and waits until it listens.
  func start() async throws {
    let program = try Program(
      wrapper + [SluiceBinary.path, "serve", "--config", folder.path + "/sluice.yaml"], in: folder)
    current.withLock { $0 = program }
    let listens = await eventually { program.output.contains("sluice listens on") || !program.isRunning }
    try #require(listens && program.isRunning, "the gateway did not start: \(program.errors)")
  }

  /// SIGKILL, and its end.
  func kill() async {
    program?.signal(SIGKILL)
    _ = await program?.wait()
  }

  /// SIGTERM, and its end.
  func terminate() async -> Program.Result? {
    program?.signal(SIGTERM)
    return await program?.wait()
  }

  /// Below the ports that the system gives to outgoing connections: one of those could be taken while the gateway is
  /// down, and a client that knocks at its own port would connect to itself.
  private static func freePort() throws -> Int {
    for _ in 0..<100 {
      let port = Int.random(in: 20_000..<32_000)
      let bound = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: "127.0.0.1", port: port)
      guard let channel = try? bound.wait() else { continue }
      try channel.close().wait()
      return port
    }
    throw ChannelError.connectTimeout(.zero)
  }
}

/// A gateway in a process of its own for the length of `body`; killed afterwards if it still runs.
func withGatewayProcess<Value>(
  _ setup: GatewaySetup = GatewaySetup(), in folder: GatewayFolder? = nil,
  _ body: (GatewayProcess) async throws -> Value
) async throws -> Value {
  let gateway = try GatewayProcess(setup, in: folder ?? GatewayFolder())
  do {
    try await gateway.start()
    let value = try await body(gateway)
    if gateway.program?.isRunning == true { await gateway.kill() }
    return value
  } catch {
    if gateway.program?.isRunning == true { await gateway.kill() }
    throw error
  }
}

/// Runs the command.
func sluice(
  _ arguments: [String], input: String = "/dev/null", environment: [String: String] = [:], in folder: GatewayFolder
) async throws -> Program.Result {
  try await Program.run([SluiceBinary.path] + arguments, input: input, environment: environment, in: folder)
}

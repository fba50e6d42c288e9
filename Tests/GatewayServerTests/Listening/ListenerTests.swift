import Foundation
import Testing
import XStreamClient

/// Where a gateway can be reached.
@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
  /// Whether somebody speaks TLS there whom our clients trust.
  private func answers(_ place: [String], in folder: GatewayFolder) async throws -> Bool {
    let result = try await Program.run(
      ["openssl", "s_client", "-brief", "-verify_return_error", "-CAfile", TestCertificates.ours.ca] + place, in: folder
    )
    return result.status == 0
  }

  @Test("it listens on several addresses and on a socket at once, and leaves none of them behind")
  func several() async throws {
    var setup = GatewaySetup()
    setup.listen = "[\"127.0.0.1:PORT\", \"127.0.0.2:PORT\", \"unix:gateway.sock\"]"
    try await withGatewayProcess(setup) { gateway in
      let folder = gateway.folder
      #expect(gateway.program?.output.contains("127.0.0.2:\(gateway.port), unix:\(folder.path)/gateway.sock") == true)
      for place in [
        ["-connect", "127.0.0.1:\(gateway.port)"], ["-connect", "127.0.0.2:\(gateway.port)"],
        ["-unix", folder.path + "/gateway.sock"],
      ] {
        #expect(try await answers(place, in: folder), "\(place)")
      }
      let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/gateway.sock")[.posixPermissions]
      #expect(mode as? Int == 0o660)
      #expect(await gateway.terminate()?.status == 0)
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/gateway.sock"))
    }
  }

  @Test("a socket that a killed gateway left is taken over, and one that somebody answers at is not")
  func leftOver() async throws {
    var setup = GatewaySetup()
    setup.listen = "\"unix:gateway.sock\""
    try await withGatewayProcess(setup) { gateway in
      await gateway.kill()
      try await gateway.start()
      #expect(try await answers(["-unix", gateway.folder.path + "/gateway.sock"], in: gateway.folder))
      let other = try GatewayFolder()
      var setup = GatewaySetup()
      setup.listen = "\"unix:\(gateway.folder.path)/gateway.sock\""
      try other.write("sluice.yaml", setup.yaml)
      let result = try await sluice(["serve", "--config", "sluice.yaml"], in: other)
      #expect(result.status == 1 && result.errors.contains("sluice.yaml:1:9"), "\(result.errors)")
      #expect(result.errors.contains("is in use"), "\(result.errors)")
    }
  }

  @Test("it takes the sockets that systemd has opened, by name, and says so where there are none")
  func systemd() async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.listen = "systemd:upload"
    setup.routes = GatewaySetup.plainRoute("access: anyone")
    try folder.write("sluice.yaml", setup.yaml)
    // What systemd does between fork and exec.
    let opener = """
      import os, socket, sys
      first, second = socket.socket(), socket.socket()
      for one in (first, second):
        one.bind(("127.0.0.1", 0)); one.listen(8)
      os.dup2(first.fileno(), 13); os.dup2(second.fileno(), 14)
      print(second.getsockname()[1], flush=True)
      os.dup2(13, 3); os.dup2(14, 4)
      os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="other:upload")
      os.execv(sys.argv[1], sys.argv[1:])
      """
    let serve = [SluiceBinary.path, "serve", "--config", "sluice.yaml"]
    let program = try Program(["python3", "-c", opener] + serve, in: folder)
    #expect(await eventually { program.output.contains("listens on systemd:upload") || !program.isRunning })
    let port = try #require(Int(program.output.prefix { $0.isNumber }), "\(program.errors)")
    _ = try await UploadClient.test().upload(.bytes(pattern(1000)), to: .local(port), options: .once)
    program.signal(SIGTERM)
    #expect(await program.wait().status == 0)

    let alone = try await Program.run(serve, in: folder)
    #expect(alone.status == 1 && alone.errors.contains("systemd has opened no such socket"), "\(alone.errors)")
  }

  @Test("the embedded default works in any folder, with a certificate that it makes, and elsewhere by --listen")
  func embedded() async throws {
    let folder = try GatewayFolder()
    let program = try Program([SluiceBinary.path, "serve", "--listen", "127.0.0.1:0"], in: folder)
    #expect(await eventually { program.output.contains("try: sluice send") || !program.isRunning })
    let line = try #require(program.output.split(separator: "\n").first, "\(program.errors)")
    let port = try #require(line.split(separator: ":").last.flatMap { Int($0) })
    let client = try UploadClient.test(ca: folder.path + "/certs/dev/ca.pem")
    _ = try await client.upload(.bytes(pattern(1000)), to: .local(port), options: .once)
    program.signal(SIGTERM)
    #expect(await program.wait().status == 0)
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/certs/dev/server.key")[
      .posixPermissions]
    #expect(mode as? Int == 0o600)
    // Anybody on the network would be let in.
    let open = try await Program.run([SluiceBinary.path, "serve", "--listen", "0.0.0.0:0"], in: folder)
    #expect(open.status == 1 && open.errors.contains("has no `access`"), "\(open.errors)")
  }
}

import XStream
import Foundation
import Testing
import XStreamClient

/// `sluice send`, `ask` and `give-up` against a gateway process.
@Suite(.timeLimit(.minutes(1))) struct CommandTests {
  private let trust = ["--ca", TestCertificates.ours.ca]

  /// What `--json` printed, a line for each file.
  private func objects(_ result: Program.Result) throws -> [[String: Any]] {
    try result.output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  @Test("send uploads files and standard input, and says so for people and for programs")
  func send() async throws {
    try await withGateway { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let bytes = Data(pattern(700_000))
      let one = try folder.write("one", bytes)
      let two = try folder.write("two", "small")
      let plain = try await sluice(["send"] + trust + [one, url], in: folder)
      #expect(plain.status == 0, "\(plain.errors)")
      #expect(plain.output.hasPrefix("\(one): complete, "))
      let json = try await sluice(["send", "--json", "--digest"] + trust + [one, two, url], in: folder)
      #expect(json.status == 0, "\(json.errors)")
      let reports = try objects(json)
      #expect(reports.map { $0["file"] as? String } == [one, two])
      #expect(reports.allSatisfy { $0["result"] as? String == "complete" && $0["status"] as? Int == 0 })
      #expect(reports[0]["bytes"] as? Int == 700_000 && reports[0]["sent"] as? Int == 700_000)
      #expect((reports[0]["digest"] as? String)?.hasPrefix("sha-256=:") == true)
      let key = try #require(reports[0]["key"] as? String)
      #expect(try Data(folder.stored(key)) == bytes)
      let piped = try await sluice(["send", "--json"] + trust + ["-", url], input: one, in: folder)
      let report = try #require(try objects(piped).first)
      #expect(try Data(folder.stored(report["key"] as? String ?? "none")) == bytes)
      let asked = try await sluice(["ask"] + trust + [key, "700000", url], in: folder)
      #expect(asked.status == 0 && asked.output == "complete, 700000 bytes\n")
      // No key of a complete upload is kept.
      let forgotten = try await sluice(["ask"] + trust + [one, url], in: folder)
      #expect(forgotten.status == 1)
      try await gateway.expectAtRest()
    }
  }

  @Test("exit statuses and messages tell what is wrong for good from what may work later")
  func exitStatuses() async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "optional"
    setup.routes += "  /mine: {store: {directory: mine}, access: {tokens: tokens, certificates: true}}\n"
    try await withGateway(setup) { gateway in
      let (folder, ours) = (gateway.folder, TestCertificates.ours)
      let file = try folder.write("file", "some bytes")
      let (url, mine) = (try gateway.url().description, try gateway.url("/mine").description)
      func status(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> Program.Result {
        try await sluice(["send", "--retry-for", "0s"] + arguments, environment: environment, in: folder)
      }
      #expect(try await status(trust + [file, mine]).status == 1)
      #expect(try await status(trust + [file, mine], ["SLUICE_TOKEN": Token.bob.secret]).status == 0)
      let tokenFile = try folder.write("token", Token.alice.secret + "\n", mode: 0o600)
      #expect(try await status(trust + ["--token-file", tokenFile, file, mine]).status == 0)
      #expect(try await status(trust + ["--cert", ours.client, "--key", ours.clientKey, file, mine]).status == 0)
      let noRoute = try await status(trust + ["--json", file, gateway.url("/none").description])
      #expect(noRoute.status == 1)
      let report = try #require(try objects(noRoute).first)
      #expect(report["result"] as? String == "refused" && report["statusName"] as? String == "no-route")
      let untrusted = try await status(["--ca", TestCertificates.strangers.ca, file, url])
      #expect(untrusted.status == 1 && untrusted.errors.contains("not trusted"))
      let noFile = try await status(trust + [folder.path + "/missing", url])
      #expect(noFile.status == 1 && noFile.errors.contains("missing"))
      let nobody = try await status(trust + ["--json", file, "xstream://localhost:1/upload-file"])
      #expect(nobody.status == 75)
      #expect(try objects(nobody).first?["result"] as? String == "interrupted")
      #expect(try await status(trust + [file]).status == 64)
    }
  }

  @Test("an upload goes on in the same run when the server is killed, and in a later run when the command is")
  func resume() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(pattern(128 << 20)))
      let send = ["send", "--json", "--ack", "1M"] + trust + [file, url]
      let first = try Program([SluiceBinary.path] + send, in: folder)
      #expect(await eventually { partialSize(folder) > 8 << 20 })
      await gateway.kill()
      #expect(await eventually { first.errors.contains("Next try in") }, "\(first.errors)")
      try await gateway.start()
      // What it gets safe after this is more than it had.
      #expect(await eventually { first.errors.contains("going on from") }, "\(first.errors)")
      first.signal(SIGTERM)
      let stopped = await first.wait()
      #expect(stopped.status == 75, "\(stopped.errors)")
      #expect(stopped.errors.contains("Run the same command again to go on"))
      let report = try #require(try objects(stopped).first)
      #expect(report["result"] as? String == "interrupted" && report["error"] as? String == "cancelled")

      let asked = try await sluice(["ask"] + trust + [file, url], in: folder)
      #expect(asked.status == 75 && asked.output.contains("bytes are safe"))
      let second = try await sluice(send, in: folder)
      #expect(second.status == 0, "\(second.errors)")
      let end = try #require(try objects(second).first)
      #expect(end["key"] as? String == report["key"] as? String)
      #expect(end["resumedFrom"] as? Int ?? 0 > 0)
      let key = try #require(end["key"] as? String)
      #expect(FileManager.default.contentsEqual(atPath: file, andPath: folder.uploads + "/" + key))
      try folder.expectSound(unfinished: 0)
    }
  }

  /// No upload is over before the test has seen it, however seldom a busy machine lets it look.
  private var slow: GatewaySetup {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("limits: {bandwidth: 24 MiB/s}")
    return setup
  }

  private func partialSize(_ folder: GatewayFolder) -> Int {
    folder.names(in: folder.partial).reduce(0) { sum, name in
      let attributes = try? FileManager.default.attributesOfItem(atPath: folder.partial + "/" + name)
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }

  @Test("an upload that was stopped is given up by its file's name, and its quota is free again")
  func giveUp() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(pattern(100 << 20)))
      let send = try Program([SluiceBinary.path, "send", "-q", "--ack", "1M"] + trust + [file, url], in: folder)
      #expect(await eventually { partialSize(folder) > 1 << 20 })
      send.signal(SIGTERM)
      #expect(await send.wait().status == 75)
      let config = folder.path + "/sluice.yaml"
      let listed = try await sluice(["uploads", "--json", "--config", config], in: folder)
      #expect(listed.output.contains(#""state":"open""#), "\(listed.output) \(listed.errors)")
      let given = try await sluice(["give-up"] + trust + [file, url], in: folder)
      #expect(given.status == 0 && given.output == "given up\n", "\(given.errors)")
      #expect(try await sluice(["give-up"] + trust + [file, url], in: folder).status == 1)
      let quota = try await sluice(["quota", "--json", "--config", config], in: folder)
      #expect(!quota.output.contains(#""reserved":1"#), "\(quota.output)")
      try folder.expectSound(unfinished: 0)
      #expect(folder.names(in: folder.partial).isEmpty)
    }
  }
}

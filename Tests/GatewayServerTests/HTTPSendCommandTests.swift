import Foundation
import Testing
import XStreamClient

/// `sluice send`, `ask` and `give-up` at `https` URLs, of the gateway and of servers that are none.
@Suite(.timeLimit(.minutes(2))) struct HTTPSendCommandTests {
  private let trust = ["--ca", TestCertificates.ours.ca]

  private var slow: GatewaySetup {
    var setup = GatewaySetup()
    setup.more = "http: {}"
    setup.routes = GatewaySetup.plainRoute("limits: {bandwidth: 16 MiB/s}")
    return setup
  }

  private func object(_ result: Program.Result) throws -> [String: Any] {
    let line = try #require(result.output.split(separator: "\n").first, "\(result.errors)")
    return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
  }

  private func partialSize(_ folder: GatewayFolder) -> Int {
    folder.names(in: folder.partial).reduce(0) { sum, name in
      let attributes = try? FileManager.default.attributesOfItem(atPath: folder.partial + "/" + name)
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }

  /// Begins to send, and kills the command when the gateway has some of it.
  private func killed(_ arguments: [String], in folder: GatewayFolder) async throws {
    let send = try Program([SluiceBinary.path, "send", "--http-only"] + trust + arguments, in: folder)
    #expect(await eventually { partialSize(folder) > 6 << 20 }, "\(send.errors)")
    send.signal(SIGKILL)
    _ = await send.wait()
  }

  @Test("a command that was killed goes on in the next, with what it kept for its owner alone")
  func goesOn() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, "https://localhost:\(gateway.port)/upload-file")
      let file = try folder.write("file", Data(pattern(24 << 20)))
      try await killed([file, url], in: folder)
      let state = folder.path + "/client-state/sluice"
      for name in try FileManager.default.contentsOfDirectory(atPath: state) {
        let attributes = try FileManager.default.attributesOfItem(atPath: state + "/" + name)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
      }
      let asked = try await sluice(["ask"] + trust + [file, url], in: folder)
      #expect(asked.status == 75 && asked.output.contains("are safe"), "\(asked.errors)")
      let second = try await sluice(["send", "--json"] + trust + [file, url], in: folder)
      let end = try object(second)
      #expect(second.status == 0 && end["resumedFrom"] as? Int ?? 0 > 0, "\(second.errors)")
      let place = try #require(end["key"] as? String)
      #expect(place.hasPrefix(url + "/"))
      let key = try #require(place.split(separator: "/").last)
      #expect(FileManager.default.contentsEqual(atPath: file, andPath: folder.uploads + "/" + key))
      let complete = try await sluice(["ask"] + trust + [place], in: folder)
      #expect(complete.status == 0 && complete.output.hasPrefix("complete"), "\(complete.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: state).isEmpty)
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("a file that is edited between two runs is sent anew, and its first upload given up")
  func edited() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, "https://localhost:\(gateway.port)/upload-file")
      let file = try folder.write("file", Data(pattern(24 << 20)))
      try await killed([file, url], in: folder)
      try folder.write("file", Data(pattern(24 << 20, seed: 7)))
      let second = try await sluice(["send", "--json", "--http-only"] + trust + [file, url], in: folder)
      #expect(second.status == 0 && second.errors.contains("beginning anew"), "\(second.errors)")
      #expect(try object(second)["resumedFrom"] as? Int == 0)
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("an unfinished upload is given up by its file")
  func givenUp() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, "https://localhost:\(gateway.port)/upload-file")
      let file = try folder.write("file", Data(pattern(24 << 20)))
      try await killed([file, url], in: folder)
      #expect(try await sluice(["give-up"] + trust + [file, url], in: folder).status == 0)
      let again = try await sluice(["give-up"] + trust + [file, url], in: folder)
      #expect(again.status == 1 && again.errors.contains("No unfinished upload"), "\(again.errors)")
      try folder.expectSound(unfinished: 0)
    }
  }

  // MARK: Other servers

  /// A server of `Tests/HTTP/strangers.py` for the length of `body`.
  private func withStranger(
    _ speaks: String, cuts: Int, _ body: (GatewayFolder, _ url: String) async throws -> Void
  ) async throws {
    let folder = try GatewayFolder()
    let certificates = TestCertificates.ours
    let server = try Program(
      [
        "python3", "-B", RepositoryFile.url("Tests/HTTP/strangers.py").path, "--speaks", speaks, "--certificate",
        certificates.server, "--key", certificates.serverKey, "--folder", folder.path, "--cuts", "\(cuts)",
      ], in: folder)
    defer { server.signal(SIGKILL) }
    #expect(await eventually { server.output.hasSuffix("\n") }, "\(server.errors)")
    let port = try #require(Int(server.output.trimmingCharacters(in: .whitespacesAndNewlines)))
    try await body(folder, "https://localhost:\(port)/files/")
  }

  @Test(
    "servers of tus and of old versions get whole files in spite of cuts, and a later word",
    arguments: ["tus", "draft-3", "draft-5", "draft-6"])
  func strangers(speaks: String) async throws {
    try await withStranger(speaks, cuts: 3) { folder, url in
      let bytes = Data(pattern(3_000_001))
      let file = try folder.write("file", bytes)
      let sent = try await sluice(["send", "--json", "--token", "secret"] + trust + [file, url], in: folder)
      let end = try object(sent)
      #expect(sent.status == 0, "\(sent.errors)")
      #expect(end["connections"] as? Int ?? 0 > 3 && !sent.errors.contains("resumable"), "\(sent.errors)")
      #expect(try Data(contentsOf: URL(filePath: folder.path + "/complete-1")) == bytes)
      let input = try await sluice(["send"] + trust + ["-", url], input: file, in: folder)
      #expect(input.status == 0, "\(input.errors)")
      #expect(try Data(contentsOf: URL(filePath: folder.path + "/complete-2")) == bytes)
      let requests = try String(contentsOfFile: folder.path + "/requests", encoding: .utf8)
      #expect(requests.contains("Authorization=Bearer secret"))
    }
  }

  @Test("a server that knows neither gets one request, and the command says what that means", arguments: [0, 1])
  func plain(cuts: Int) async throws {
    try await withStranger("nothing", cuts: cuts) { folder, url in
      let bytes = Data(pattern(1_000_001))
      let file = try folder.write("file name", bytes)
      let sent = try await sluice(["send"] + trust + [file, url], in: folder)
      #expect(sent.status == 0 && sent.errors.contains("no resumable uploads"), "\(sent.errors)")
      #expect(folder.names(in: folder.path).contains { $0.hasPrefix("complete-") })
      let requests = try String(contentsOfFile: folder.path + "/requests", encoding: .utf8)
      #expect(requests.contains("PUT /files/file%20name"))
    }
  }

  @Test("the command line is checked, and URLs that are none are told")
  func commandLine() async throws {
    let folder = try GatewayFolder()
    for (arguments, words) in [
      (["send", "f", "http://a/b"], "xstream:// or https://"),
      (["send", "--http-only", "f", "xstream://a/b"], "--http-only"),
      (["send", "https://a/b", "f"], "last word"), (["ask", "xstream://a/b"], "URL of an upload"),
    ] {
      let result = try await sluice(arguments, in: folder)
      #expect(result.status == 64 && result.errors.contains(words), "\(arguments): \(result.errors)")
    }
  }
}

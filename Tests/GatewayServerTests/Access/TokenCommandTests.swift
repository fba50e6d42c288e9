import Foundation
import GatewayCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// `sluice token`.
@Suite(.timeLimit(.minutes(2))) struct TokenCommandTests {
  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  private func mode(_ path: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: path)
    return try #require(attributes[.posixPermissions] as? Int)
  }

  private func upload(with token: String, _ gateway: GatewayUnderTest) async throws -> UploadOutcome {
    try await UploadClient.test(token: token).upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
  }

  @Test("add prints the token once and alone, and keeps its hash where nobody else can read it")
  func add() async throws {
    let folder = try GatewayFolder()
    let path = folder.path + "/new-tokens"
    let made = try await sluice(
      ["token", "add", "backup", "--tokens", path, "--expires", "90d", "--routes", "/a,/b", "--group", "hosts"],
      in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let secret = made.output.trimmingCharacters(in: .newlines)
    #expect(secret.wholeMatch(of: #/slc_[a-z2-7]{8}_[a-z2-7]{32}/#) != nil && made.output == secret + "\n")
    #expect(made.errors.contains("backup") && !made.errors.contains(secret))
    #expect(try mode(path) == 0o600)
    let file = try text(path)
    #expect(!file.contains(secret.suffix(32)) && file.hasPrefix("backup sha256:"))
    let holder = try #require(try TokenFile(path: path).holder(of: secret))
    #expect(holder.name == "backup" && holder.group == "hosts" && holder.routes == ["/a", "/b"])
    #expect(holder.expiresAt != nil)
    #expect(
      try TokenFile(path: path).holder(of: String(secret.dropLast()) + (secret.hasSuffix("a") ? "b" : "a")) == nil)
    let listed = try await sluice(["token", "list", "--tokens", path], in: folder)
    #expect(listed.output.contains("backup") && listed.output.contains("/a,/b") && listed.output.contains("good"))
    #expect(!listed.output.contains(secret.suffix(32)))
  }

  @Test("comments, older lines and the file's rights stay as they are")
  func keeps() async throws {
    let folder = try GatewayFolder()
    let before = "# ours\r\n\(Token.alice.line.dropLast())  # old\n\n\(Token.bob.line.dropLast())"
    let path = try folder.write("kept", before, mode: 0o640)
    let made = try await sluice(["token", "add", "carol", "--tokens", path], in: folder)
    #expect(made.status == 0, "\(made.errors)")
    let after = try text(path)
    #expect(try after.hasPrefix(before + "\ncarol ") && mode(path) == 0o640)
    let revoked = try await sluice(["token", "revoke", "alice", "--tokens", path], in: folder)
    #expect(revoked.status == 0, "\(revoked.errors)")
    let file = try TokenFile(path: path)
    #expect(file.name(of: Token.alice.secret) == nil && file.name(of: Token.bob.secret) == "bob")
    #expect(file.name(of: made.output.trimmingCharacters(in: .newlines)) == "carol")
    let marked = try text(path)
    #expect(
      marked.hasPrefix("# ours\r\n\(Token.alice.line.dropLast()) revoked=20") && marked.contains("Z # old\n\nbob "))
    let again = try await sluice(["token", "revoke", "alice", "--tokens", path], in: folder)
    #expect(again.status == 1 && again.errors.contains("no token of `alice`"))
    let forgotten = try await sluice(["token", "revoke", "alice", "--forget", "--tokens", path], in: folder)
    #expect(forgotten.status == 0)
    #expect(try text(path).hasPrefix("# ours\r\n\nbob "))
    let nobody = try await sluice(["token", "revoke", "carrol", "--tokens", path], in: folder)
    #expect(nobody.status == 1 && nobody.errors.contains("did you mean `carol`?"))
  }

  @Test("one of several tokens of a name can be revoked by its id")
  func oneOfTwo() async throws {
    let folder = try GatewayFolder()
    let path = folder.path + "/two"
    var secrets: [String] = []
    for _ in 0..<2 {
      let made = try await sluice(["token", "add", "backup", "--tokens", path], in: folder)
      secrets.append(made.output.trimmingCharacters(in: .newlines))
    }
    let id = String(secrets[0].dropFirst(4).prefix(8))
    let revoked = try await sluice(["token", "revoke", "backup", "--id", id, "--tokens", path], in: folder)
    #expect(revoked.output == "1 token(s) of backup revoked: \(id)\n")
    let file = try TokenFile(path: path)
    #expect(file.name(of: secrets[0]) == nil && file.name(of: secrets[1]) == "backup")
    let json = try await sluice(["token", "list", "--json", "--tokens", path], in: folder)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [[String: Any]]])
    #expect(object["tokens"]?.compactMap { $0["state"] as? String } == ["revoked", "good"])
    // A file in which all are revoked still lets a gateway start.
    _ = try await sluice(["token", "revoke", "backup", "--tokens", path], in: folder)
    #expect(try TokenFile(path: path).name(of: secrets[1]) == nil)
  }

  @Test("the configuration names the file and the routes, and wrong wishes are refused")
  func configuration() async throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.more = "tokens: tokens"
    setup.routes = GatewaySetup.plainRoute("access: {tokens: {groups: [hosts]}}")
    let config = try folder.write("sluice.yaml", setup.yaml)
    func add(_ more: String...) async throws -> Program.Result {
      try await sluice(["token", "add", "backup", "--config", config] + more, in: folder)
    }
    let stranger = try await add("--routes", "/upload-fil")
    #expect(stranger.status == 1 && stranger.errors.contains("did you mean `/upload-file`?"))
    let good = try await add("--routes", "/upload-file", "--group", "hosts")
    #expect(good.status == 0, "\(good.errors)")
    for wrong in [
      ["--expires", "3"], ["--expires", "0s"], ["--group", "a b"], ["--routes", "a"], ["--tokens", "tokens"],
    ] {
      #expect(try await sluice(["token", "add", "x", "--config", config] + wrong, in: folder).status == 64, "\(wrong)")
    }
    #expect(try await sluice(["token", "add", "a/b", "--config", config], in: folder).status == 64)
    try await withGateway(setup, in: folder) { gateway in
      let secret = good.output.trimmingCharacters(in: .newlines)
      _ = try await upload(with: secret, gateway)
      let refused = await failure { try await upload(with: Token.alice.secret, gateway) }
      #expect(refused?.status == .unauthorized, "alice is in no group")
    }
    let check = try await sluice(["check", "--config", config], in: folder)
    #expect(check.status == 0, "\(check.errors)")
  }

  @Test("many commands at once lose no token")
  func atOnce() async throws {
    let folder = try GatewayFolder()
    let path = folder.path + "/many"
    try await withThrowingTaskGroup(of: Int32.self) { group in
      for index in 0..<12 {
        group.addTask { try await sluice(["token", "add", "n\(index)", "--tokens", path], in: folder).status }
      }
      for try await status in group { #expect(status == 0) }
    }
    let names = try TokenFile(path: path).lines.map(\.line.name)
    #expect(Set(names) == Set((0..<12).map { "n\($0)" }) && names.count == 12)
    #expect(folder.names(in: folder.path).filter { $0.hasPrefix("many") } == ["many"])
  }
}

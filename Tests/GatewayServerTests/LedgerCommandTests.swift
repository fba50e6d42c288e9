import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStream
import XStreamClient

/// `sluice quota`, `sluice uploads` and `sluice check --ledger` on a gateway's ledger, as another process.
@Suite(.timeLimit(.minutes(1))) struct LedgerCommandTests {
  private func object(_ result: Program.Result) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  private var setup: GatewaySetup {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute(
      "access: {tokens: tokens}, client-limits: {held: 2 MiB, window: {bytes: 10 MiB, every: 365d}}")
    return setup
  }

  @Test(
    "files that were taken away while the gateway was down are a notice, and their quota comes back by hand as well")
  func rescans() async throws {
    let folder = try GatewayFolder()
    let config = try folder.write("sluice.yaml", setup.yaml)
    let client = try UploadClient.test(token: Token.alice.secret)
    let (kept, gone) = try await withGateway(setup, in: folder) { gateway in
      let kept = try await client.upload(.bytes(pattern(500_000)), to: gateway.url(), options: .quick())
      let gone = try await client.upload(.bytes(pattern(700_000)), to: gateway.url(), options: .quick())
      let sound = try await sluice(["check", "--ledger", "--config", config], in: folder)
      #expect(sound.status == 0 && sound.output.contains("2 complete upload(s)"), "\(sound.output) \(sound.errors)")
      return (kept, gone)
    }
    try FileManager.default.removeItem(atPath: folder.uploads + "/" + gone.key.text)
    let notice = try await sluice(["check", "--ledger", "--config", config], in: folder)
    #expect(notice.status == 0 && notice.output.contains("\(gone.key.text) of /upload-file was taken away"))
    #expect(notice.output.contains("1 complete upload(s) have their files"))

    let dry = try await sluice(["quota", "rescan", "--dry-run", "--json", "--config", config], in: folder)
    #expect(dry.status == 0, "\(dry.errors)")
    #expect(try object(dry)["forgotten"] as? Int == 0)
    #expect(try object(dry)["bytes"] as? Int == 700_000)
    #expect(try LedgerReader(path: folder.ledger).uploads(state: nil, route: nil).count == 2)
    let done = try await sluice(["quota", "rescan", "--config", config, "--route", "/upload-file"], in: folder)
    #expect(done.status == 0 && done.output.contains("1 forgotten"), "\(done.output) \(done.errors)")
    let left = try LedgerReader(path: folder.ledger)
    #expect(try left.uploads(state: nil, route: nil).map(\.key.text) == [kept.key.text])
    #expect(try left.quotas().filter { $0.window == 0 }.map(\.used) == [500_000, 500_000])
    try await withGateway(setup, in: folder) { gateway in
      _ = try await client.upload(.bytes(pattern(1_500_000)), to: gateway.url(), options: .once)
      let unknown = await failure { try await client.ask(gone.key, total: 700_000, at: gateway.url()) }
      #expect(unknown?.status == .unknownKey)
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("each upload is listed with its file, and a route that is not there is an error that names those that are")
  func files() async throws {
    try await withGateway(setup) { gateway in
      let folder = gateway.folder
      let config = try folder.write("sluice.yaml", setup.yaml)
      let client = try UploadClient.test(token: Token.alice.secret)
      let done = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      let listed = try await sluice(["uploads", "--json", "--config", config], in: folder)
      let uploads = try #require(try object(listed)["uploads"] as? [[String: Any]])
      #expect(uploads.map { $0["path"] as? String } == [folder.uploads + "/" + done.key.text])
      let table = try await sluice(["uploads", "--config", config], in: folder)
      #expect(table.output.contains(" \(folder.uploads)/\(done.key.text)\n"), "\(table.output)")
      for command in [["uploads"], ["quota"], ["quota", "rescan"], ["uploads", "--json"]] {
        let result = try await sluice(command + ["--config", config, "--route", "/upload-fil"], in: folder)
        #expect(result.status == 1 && result.output.isEmpty, "\(command): \(result.output)")
        #expect(
          result.errors.contains("there is no route /upload-fil; did you mean /upload-file?"), "\(result.errors)")
      }
    }
  }

  @Test("a table has sizes, shares, rates and ages for people, and JSON has exact bytes and moments")
  func people() async throws {
    try await withGateway(setup) { gateway in
      let folder = gateway.folder
      let config = try folder.write("sluice.yaml", setup.yaml)
      let alice = try UploadClient.test(token: Token.alice.secret)
      let bob = try UploadClient.test(token: Token.bob.secret)
      _ = try await alice.upload(.bytes(pattern(1 << 20)), to: gateway.url(), options: .quick())
      _ = await failure { try await bob.upload(.bytes(pattern(4 << 20)), to: gateway.url(), options: .once) }
      let table = try await sluice(["uploads", "--config", config], in: folder)
      let rows = table.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
      #expect(rows.first == ["KEY", "ROUTE", "STATE", "SAFE", "TOTAL", "%", "RATE", "AGE", "CLIENT", "FILE"])
      let done = try #require(rows.first { $0.contains("done") })
      #expect(done[3...7] == ["1.0", "MiB", "1.0", "MiB", "100"] && done[8...].contains("MiB/s"), "\(done)")
      let open = try #require(rows.first { $0.contains("open") })
      #expect(open.contains("4.0") && !open.contains("100"), "\(open)")
      let json = try await sluice(["uploads", "--json", "--state", "done", "--config", config], in: folder)
      let upload = try #require((try object(json)["uploads"] as? [[String: Any]])?.first)
      #expect(upload["safe"] as? Int == 1 << 20)
      for moment in ["createdAt", "finishedAt"] {
        let text = try #require(upload[moment] as? String)
        #expect(text.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(text)")
      }
    }
  }

  @Test(
    "a complete upload is forgotten by the beginning of its key, its file stays, and one that is open is left alone")
  func forgets() async throws {
    try await withGateway(setup) { gateway in
      let folder = gateway.folder
      let config = try folder.write("sluice.yaml", setup.yaml)
      let client = try UploadClient.test(token: Token.alice.secret)
      let done = try await client.upload(.bytes(pattern(2 << 20)), to: gateway.url(), options: .quick())
      let open = await failure {
        try await UploadClient.test(token: Token.bob.secret)
          .upload(.bytes(pattern(3 << 20)), to: gateway.url(), options: .once)
      }
      let openKey = try #require(open?.resumePoint).key.text
      for (key, words) in [
        (String(openKey.prefix(12)), "complete ones alone can be forgotten"),
        ("nothing-like-this", "no upload has a key"),
      ] {
        let result = try await sluice(["forget", "--config", config, done.key.text, key], in: folder)
        #expect(result.status == 1 && result.errors.contains(words), "\(result.errors)")
      }
      #expect(try await sluice(["forget", "--config", config, "abc"], in: folder).status == 64)
      let result = try await sluice(["forget", "--config", config, String(done.key.text.prefix(12))], in: folder)
      #expect(result.status == 0 && result.output.contains("2.0 MiB are free again"), "\(result.errors)")
      #expect(FileManager.default.fileExists(atPath: folder.uploads + "/" + done.key.text))
      // The running gateway has the quota back.
      _ = try await client.upload(.bytes(pattern(2 << 20)), to: gateway.url(), options: .once)
    }
  }

  @Test("a store whose disk is not there is not taken for one whose files were all removed")
  func missingStore() async throws {
    let folder = try GatewayFolder()
    let config = try folder.write("sluice.yaml", setup.yaml)
    try await withGateway(setup, in: folder) { gateway in
      let client = try UploadClient.test(token: Token.alice.secret)
      _ = try await client.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
    }
    try FileManager.default.moveItem(atPath: folder.uploads, toPath: folder.path + "/elsewhere")
    for isEmptyFolder in [false, true] {
      if isEmptyFolder {
        try FileManager.default.createDirectory(atPath: folder.uploads, withIntermediateDirectories: false)
      }
      let result = try await sluice(["quota", "rescan", "--config", config], in: folder)
      #expect(result.status == 1 && result.errors.contains("Mount its disk"), "\(result.output) \(result.errors)")
    }
    #expect(try LedgerReader(path: folder.ledger).uploads(state: nil, route: nil).count == 1)
    // With it back, and the gateway stopped, there is nothing to forget.
    try FileManager.default.removeItem(atPath: folder.uploads)
    try FileManager.default.moveItem(atPath: folder.path + "/elsewhere", toPath: folder.uploads)
    let result = try await sluice(["quota", "rescan", "--config", config], in: folder)
    #expect(result.status == 0 && result.output.contains("1 complete upload(s), 0 without a file"))
  }

  @Test("uploads and quotas are listed by route, state, client, age and key")
  func lists() async throws {
    try await withGateway(setup) { gateway in
      let folder = gateway.folder
      let config = try folder.write("sluice.yaml", setup.yaml)
      let alice = try UploadClient.test(token: Token.alice.secret)
      let bob = try UploadClient.test(token: Token.bob.secret)
      let done = try await alice.upload(.bytes(pattern(1000)), to: gateway.url(), options: .quick())
      let open = await failure { try await bob.upload(.bytes(pattern(3 << 20)), to: gateway.url(), options: .once) }
      let openKey = try #require(open?.resumePoint).key.text
      func keys(_ filter: [String]) async throws -> Set<String> {
        let result = try await sluice(["uploads", "--json", "--config", config] + filter, in: folder)
        #expect(result.status == 0, "\(result.errors)")
        let uploads = try #require(try object(result)["uploads"] as? [[String: Any]])
        return Set(uploads.compactMap { $0["key"] as? String })
      }
      #expect(try await keys([]) == [done.key.text, openKey])
      #expect(try await keys(["--state", "done"]) == [done.key.text])
      #expect(try await keys(["--state", "open"]) == [openKey])
      #expect(try await keys(["--state", "failed"]) == [])
      #expect(try await keys(["--client", "token:bob"]) == [openKey])
      #expect(try await keys(["--route", "/upload-file"]) == [done.key.text, openKey])
      #expect(try await keys(["--since", "1h"]) == [done.key.text, openKey])
      #expect(try await keys(["--since", "0s"]) == [])
      #expect(try await keys(["--key", String(openKey.prefix(5))]) == [openKey])
      #expect(try await sluice(["uploads", "--state", "lost"], in: folder).status == 64)
      let first = try await keys(["--limit", "1"])
      #expect(first.count == 1)
      #expect(try await keys(["--limit", "1", "--after", first.first ?? ""]).union(first) == [done.key.text, openKey])
      let page = try await sluice(["uploads", "--limit", "1", "--config", config], in: folder)
      #expect(page.output.split(separator: "\n").count == 2 && page.errors.contains("there are more: --after"))
      for wrong in [["--limit", "0"], ["--after", "short"]] {
        #expect(try await sluice(["uploads", "--config", config] + wrong, in: folder).status == 64)
      }
      let table = try await sluice(["quota", "--config", config, "--client", "alice"], in: folder)
      #expect(table.status == 0, "\(table.errors)")
      let lines = table.output.split(separator: "\n")
      #expect(lines.count == 3 && lines[0].hasPrefix("ROUTE"), "\(table.output)")
      let json = try await sluice(["quota", "--json", "--config", config], in: folder)
      let quotas = try #require(try object(json)["quotas"] as? [[String: Any]])
      #expect(quotas.count == 5)
      #expect(quotas.count { $0["window"] != nil } == 2)
    }
  }
}

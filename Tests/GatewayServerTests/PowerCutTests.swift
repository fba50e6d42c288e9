import Foundation
import GatewayCore
import Ledgers
import Testing

/// What a power cut may take back of the ledger's log, taken back by hand: the file system itself is not cut.
@Suite(.timeLimit(.minutes(1))) struct PowerCutTests {
  @Test("An upload whose completion the ledger forgot is complete at the next start, and counts what it counted before")
  func forgottenCompletion() async throws {
    let setup = GatewaySetup(routes: "  /upload-file: {store: {directory: uploads, gzip: 6, count: stored}}\n")
    try await withGatewayProcess(setup) { gateway in
      let ledger = gateway.folder.ledger
      let files = FileManager.default
      let client = try await RawClient.connect(gateway.port)
      try await client.open(total: "200000")
      let key = try #require(await client.packet()?["x-stream-key"])
      // What was flushed before the file got its name.
      for file in [ledger, ledger + "-wal"] { try files.copyItem(atPath: file, toPath: file + ".flushed") }
      try await client.send(pattern(200_000))
      #expect(await client.answer()?.headers["status"] == "0")
      let quotas = try LedgerReader(path: ledger).quotas()
      let used = try #require(quotas.first { $0.route == "/upload-file" && $0.subject.isEmpty }?.used)
      #expect(0 < used && used < 200_000)
      await gateway.kill()
      try files.removeItem(atPath: ledger + "-shm")
      for file in [ledger, ledger + "-wal"] {
        try files.removeItem(atPath: file)
        try files.moveItem(atPath: file + ".flushed", toPath: file)
      }
      #expect(try LedgerReader(path: ledger).uploads(state: nil, route: "/upload-file").map(\.state) == [.open])

      try await gateway.start()
      let second = try await RawClient.connect(gateway.port)
      try await second.open(total: "200000", key: key)
      #expect(await second.answer()?.headers["status"] == "0")
      let reader = try LedgerReader(path: ledger)
      #expect(try reader.uploads(state: nil, route: "/upload-file").map(\.state) == [.done])
      #expect(try reader.quotas() == quotas)
    }
  }
}

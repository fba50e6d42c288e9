import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing

/// In memory where the system has such a place: for tests of many small commits that are not about the disk.
let fastDirectory =
  FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : FileManager.default.temporaryDirectory.path

func fileSize(_ path: String) throws -> Int64 {
  try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64 ?? -1
}

@Suite("The embedded ledger beside a model")
struct ModelTests {
  @Test("5,000 random calls answer and leave what plain dictionaries do", arguments: [1, 2] as [UInt64])
  func agrees(seed: UInt64) async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      var random = SeededGenerator(state: seed)
      var model = LedgerModel()
      var ledger = try EmbeddedLedger(path: directory + "/ledger.db")
      defer { ledger.close() }
      for number in 0..<5000 {
        let step = LedgerStep.random(in: model, using: &random)
        let expected = model.perform(step)
        let answer = await step.perform(on: ledger)
        try #require(answer == expected, "call \(number): \(step)")
        let time = WallTime(milliseconds: .random(in: 1...1_000_000, using: &random))
        let reads = (
          ledger.unfinished(of: "gateway-1", on: anyLoop), ledger.expired(at: time, of: "gateway-1", on: anyLoop),
          ledger.quotas(on: anyLoop)
        )
        let unfinished = try await reads.0.get()
        let expired = try await reads.1.get()
        let quotas = try await reads.2.get()
        try #require(
          Dictionary(uniqueKeysWithValues: unfinished.map { ($0.key, $0) }) == model.unfinished,
          "call \(number): \(step)")
        try #require(
          Set(expired) == Set(model.unfinished.values.filter { $0.expiresAt <= time }), "call \(number): \(step)")
        for quota in quotas {
          let name = LedgerModel.Quota(route: quota.route, subject: quota.subject, window: quota.window)
          try #require(quota.reserved == model.reserved(name), "call \(number): \(step)")
          try #require(quota.used == model.used[name, default: 0], "call \(number): \(step)")
          try #require(quota.used + quota.reserved <= quota.cap, "call \(number): \(step)")
        }
        let named = Set(quotas.map { LedgerModel.Quota(route: $0.route, subject: $0.subject, window: $0.window) })
        try #require(
          model.used.allSatisfy { $0.value == 0 || named.contains($0.key) }, "call \(number): \(step)")
        for route in LedgerStep.routes {
          let quota = quotas.first { $0.route == route && $0.subject.isEmpty && $0.window == 0 }
          let granted = unfinished.lazy.filter { $0.facts.route == route }.reduce(0) { $0 + $1.granted }
          try #require((quota?.reserved ?? 0) == granted, "call \(number): \(step)")
          try #require((quota?.used ?? 0) == model.doneBytes[route, default: 0], "call \(number): \(step)")
        }
        if number % 100 == 0 {
          try #require(try auditViolations(path: directory + "/ledger.db") == [], "call \(number): \(step)")
        }
        if number % 1000 == 999 {
          ledger.close()
          ledger = try EmbeddedLedger(path: directory + "/ledger.db")
        }
      }
      #expect(model.done.count > 50)
      for (key, done) in model.done { #expect(try await ledger.found(key) == done.record) }
      #expect(model.failures > 50)
      #expect(model.lateTotals > 50)
      #expect(model.extensions > 50)
      #expect(model.departures > 50)
      #expect(model.repetitions > 20)
    }
  }
}

/// SplitMix64, so that a failure can be seen again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

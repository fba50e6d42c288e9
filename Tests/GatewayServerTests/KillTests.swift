import Foundation
import GatewayCore
import NIOCore
import Synchronization
import Testing
import XStream
import XStreamClient

/// The gateway dies without a word, again and again, while clients upload.
@Suite(.timeLimit(.minutes(1))) struct KillTests {
  private struct Seeded: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
      return mixed ^ (mixed >> 31)
    }
  }

  @Test(
    "every upload ends byte for byte, offsets never go back, and nothing is left over", arguments: [1, 2] as [UInt64])
  func killed(seed: UInt64) async throws {
    var random = Seeded(state: seed)
    let sizes = [64 << 10, 8 << 20, 1 << 20, 5_000_001, 300_000, 8 << 20, 4 << 20, 2_345_678]
    let pauses = (0..<4).map { _ in Int.random(in: 20...250, using: &random) }
    try await withGatewayProcess { gateway in
      let (client, url) = (try UploadClient.test(), try gateway.url())
      let clock = ContinuousClock()
      let isDone = Mutex(false)
      let interrupted = Counter()
      async let kills: Int = {
        var kills = 0
        for pause in pauses {
          try await clock.sleep(for: .milliseconds(pause))
          await gateway.kill()
          kills += 1
          try await gateway.start()
        }
        return kills
      }()
      // Uploads go on until the last kill is over, so that each kill finds some.
      async let finished: Int = {
        var round = 0
        repeat {
          try await uploadAll(sizes, client, url, gateway.folder, interrupted)
          round += 1
        } while !isDone.withLock { $0 }
        return round
      }()
      #expect(try await kills == 4)
      isDone.withLock { $0 = true }
      let rounds = try await finished
      #expect(interrupted.value > 0, "no kill met an upload")
      let records = try gateway.folder.expectSoundQuota(route: "/upload-file")
      #expect(records.filter { $0.state == .done }.count == rounds * sizes.count)
      try gateway.folder.expectSound(unfinished: records.count - rounds * sizes.count)
      // An offer that was lost on its way leaves an upload that nobody knows of; nothing else may.
      #expect(records.allSatisfy { $0.state == .done || $0.committed == 0 })
    }
  }

  private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
  }

  /// Four at a time.
  private func uploadAll(
    _ sizes: [Int], _ client: UploadClient, _ url: XStreamURL, _ folder: GatewayFolder, _ interrupted: Counter
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (number, size) in sizes.enumerated() {
        if number >= 4 { try await group.next() }
        group.addTask {
          let bytes = pattern(size, seed: UInt8(number * 2 + 1))
          let events = UploadEvents()
          let outcome = try await client.upload(
            .bytes(bytes), to: url, options: .quick { $0.acknowledgeEvery = 1 }, onEvent: events.add)
          #expect(try folder.stored(outcome.key.text) == bytes)
          #expect(events.acknowledged == events.acknowledged.sorted())
          if outcome.connections > 1 { interrupted.add() }
        }
      }
      try await group.waitForAll()
    }
  }
}

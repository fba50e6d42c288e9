import Foundation
import GatewayCore
import NIOCore
import Synchronization
@testable import Ledgers
import Testing

/// Of a ledger on a ``CutDisk``: what its callers were told, and what may therefore be there after a power cut.
private struct Promises {
  enum State: Hashable {
    case absent
    case open(Int64)
    case done
    case failed

    init(_ record: UploadRecord?) {
      switch record?.state {
      case nil: self = .absent
      case .open: self = .open(record?.committed ?? 0)
      case .done: self = .done
      case .failed: self = .failed
      }
    }
  }

  var live: [UploadKey: State] = [:]
  var allowed: [UploadKey: Set<State>] = [:]

  mutating func intend(_ key: UploadKey, _ state: State) {
    allowed[key, default: [live[key] ?? .absent]].insert(state)
  }

  mutating func flushed() {
    allowed = live.mapValues { [$0] }
  }
}

@Suite("At a power cut the embedded ledger")
struct PowerCutTests {
  private static let total: Int64 = 1000

  @Test(
    "has all that it said, at whatever write or sync the disk failed before and wherever in the repair the cut fell",
    .timeLimit(.minutes(2)), arguments: 1...8 as ClosedRange<UInt64>)
  func keepsItsWord(seed: UInt64) async throws {
    try await withTemporaryDirectory(in: fastDirectory) { directory in
      let disk = try CutDisk()
      let promises = try await work(on: disk, path: directory + "/ledger.db", seed: seed)
      let (events, failures) = disk.state.withLock { ($0.events, $0.failures) }
      #expect(failures.count > 5)
      var random = SeededGenerator(state: seed)
      var replay = CutReplay(seed: seed)
      var next = failures[...]
      var cuts = 0
      for (index, event) in events.enumerated() {
        while let failure = next.first, failure + 40 < index { next.removeFirst() }
        let isNear = next.first.map { $0 <= index } ?? false
        if Int.random(in: 0..<(isNear ? 6 : 60), using: &random) == 0 {
          cuts += 1
          try check(&replay, promises[replay.mark], directory + "/cut", "seed \(seed), event \(index)")
        }
        replay.take(event)
      }
      try check(&replay, promises[replay.mark], directory + "/cut", "seed \(seed), the end")
      #expect(cuts > 20)
    }
  }

  /// Random calls, one after another, while the disk fails now and then.
  private func work(on disk: CutDisk, path: String, seed: UInt64) async throws -> [Promises] {
    let ledger = try EmbeddedLedger(path: path, busyMilliseconds: 100, system: disk.name, checkpointFrames: 40)
    disk.state.withLock { $0.faults = CutDisk.Faults(seed: seed &* 77) }
    var random = SeededGenerator(state: seed)
    var promises = Promises()
    var told = [promises]
    func note() {
      told.append(promises)
      disk.mark(told.count - 1)
    }
    for _ in 0..<250 {
      let open = promises.live.compactMap { (key, state) -> (key: UploadKey, offset: Int64)? in
        if case .open(let offset) = state { (key, offset) } else { nil }
      }.sorted { $0.key.text < $1.key.text }
      let choice = Int.random(in: 0..<10, using: &random)
      let (key, offset) = open.randomElement(using: &random) ?? (.mint(), -1)
      let step: (state: Promises.State, isFlushed: Bool, call: EventLoopFuture<Void>)
      func begin(_ state: Promises.State) {
        promises.intend(key, state)
        note()
      }
      switch choice {
      case _ where offset < 0 || open.count < 4:
        let reservation = Reservation.of(
          Self.total, quotas: [.route(1 << 40)], label: String(repeating: "x", count: 900))
        promises.intend(reservation.key, .open(0))
        note()
        do {
          _ = try await ledger.opened(reservation)
          promises.live[reservation.key] = .open(0)
        } catch {
          try await learn(reservation.key, ledger, &promises)
        }
        note()
        continue
      case 0, 1:
        begin(.done)
        let isProvableFromDisk = choice == 0
        let completion = Completion(
          key: key, epoch: 1, size: Self.total, charged: Self.total, digest: nil, at: WallTime(milliseconds: 1),
          isProvableFromDisk: isProvableFromDisk)
        step = (.done, !isProvableFromDisk, ledger.complete(completion, on: anyLoop))
      case 2:
        begin(.failed)
        step = (.failed, true, ledger.fail(key, epoch: 1, expiresAt: WallTime(milliseconds: 1), on: anyLoop))
      case 3:
        begin(.absent)
        step = (.absent, true, ledger.release(key, epoch: 1, on: anyLoop))
      default:
        let to = min(Self.total, offset + 1)
        begin(.open(to))
        step = (
          .open(to), true,
          ledger.advance(
            Advance(key: key, epoch: 1, from: offset, to: to, expiresAt: WallTime(milliseconds: 1)), on: anyLoop)
        )
      }
      do {
        try await step.call.get()
        promises.live[key] = step.state
        if step.isFlushed { promises.flushed() }
      } catch {
        try await learn(key, ledger, &promises)
      }
      note()
    }
    disk.state.withLock { $0.faults = nil }
    for (key, state) in promises.live { #expect(Promises.State(try await ledger.found(key)) == state) }
    ledger.close()
    promises.flushed()
    note()
    return told
  }

  /// After a call that failed nobody knows, until the ledger answers again. What it then says has to hold.
  private func learn(_ key: UploadKey, _ ledger: EmbeddedLedger, _ promises: inout Promises) async throws {
    var last: (any Error)?
    for _ in 0..<200 {
      do {
        promises.live[key] = Promises.State(try await ledger.found(key))
        promises.flushed()
        return
      } catch {
        last = error
      }
    }
    throw try #require(last, "the ledger does not come back")
  }

  private func check(_ replay: inout CutReplay, _ promises: Promises, _ folder: String, _ when: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try replay.cut(into: folder)
    guard !promises.allowed.isEmpty else { return }
    let path = folder + "/ledger.db"
    #expect(try auditViolations(path: path) == [], "\(when)")
    let found = Dictionary(uniqueKeysWithValues: try LedgerReader(path: path).uploads().map { ($0.key, $0) })
    for (key, allowed) in promises.allowed {
      #expect(allowed.contains(Promises.State(found[key])), "\(when): \(key.logID), one of \(allowed)")
    }
  }
}

import Foundation
import GatewayCore
import Ledgers
import NIOCore
import NIOPosix
import Testing

/// Prints, and asserts nothing: `SLUICE_MEASURE=1 swift test --filter CommitRateTests`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["SLUICE_MEASURE"] != nil))
struct CommitRateTests {
  @Test("Advances a second, each awaited by its caller", arguments: LedgerEngine.all, [1, 16, 256])
  func measures(_ engine: LedgerEngine, callers: Int) async throws {
    try await engine.withLedger { ledger in
      let group = MultiThreadedEventLoopGroup.singleton
      let uploads = (0..<callers).map { _ in Reservation.of(nil, wanted: 1 << 40, quotas: []) }
      for upload in uploads { _ = try await ledger.opened(upload) }
      let clock = ContinuousClock()
      let start = clock.now
      let end = start + .seconds(3)
      let futures = uploads.map { upload in
        let promise = group.next().makePromise(of: Int64.self)
        advance(upload.key, from: 0, of: ledger, until: end, promise)
        return promise.futureResult
      }
      var calls: Int64 = 0
      for future in futures { calls += try await future.get() }
      let seconds = (clock.now - start) / .seconds(1)
      print("\(engine.testDescription), \(callers) callers: \(Int(Double(calls) / seconds)) advances/s")
    }
  }

  @Test("Uploads of one route begun and complete a second", arguments: LedgerEngine.all, [1, 16, 256])
  func negotiates(_ engine: LedgerEngine, callers: Int) async throws {
    try await engine.withLedger { ledger in
      let clock = ContinuousClock()
      let start = clock.now
      let end = start + .seconds(3)
      let uploads = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<callers {
          group.addTask {
            var count = 0
            while clock.now < end {
              let upload = Reservation.of(1, quotas: [.route(1 << 40)])
              _ = try await ledger.opened(upload, on: MultiThreadedEventLoopGroup.singleton.next())
              try await ledger.completed(upload.key, size: 1)
              count += 1
            }
            return count
          }
        }
        return try await group.reduce(0, +)
      }
      let seconds = (clock.now - start) / .seconds(1)
      print("\(engine.testDescription), \(callers) callers: \(Int(Double(uploads) / seconds)) uploads/s")
    }
  }

  /// The next call is made in the answer to the last, as a front does.
  private func advance(
    _ key: UploadKey, from: Int64, of ledger: any Ledger, until end: ContinuousClock.Instant,
    _ promise: EventLoopPromise<Int64>
  ) {
    let loop = promise.futureResult.eventLoop
    ledger.advance(
      Advance(key: key, epoch: 1, from: from, to: from + 1, expiresAt: WallTime(milliseconds: from)), on: loop
    )
    .whenComplete { result in
      switch result {
      case .failure(let error): promise.fail(error)
      case .success where ContinuousClock().now >= end: promise.succeed(from + 1)
      case .success: advance(key, from: from + 1, of: ledger, until: end, promise)
      }
    }
  }
}

import Foundation
import GatewayCore
import Ledgers
import NIOCore
import NIOPosix
import Testing

/// Prints, and asserts nothing: `SLUICE_MEASURE=1 swift test --filter CommitRateTests`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["SLUICE_MEASURE"] != nil))
struct CommitRateTests {
  @Test("Advances a second, each awaited by its caller", arguments: [1, 16, 256])
  func measures(callers: Int) async throws {
    try await withTemporaryDirectory { directory in
      let ledger = try EmbeddedLedger(path: directory + "/ledger.db")
      defer { ledger.close() }
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
      print("\(callers) callers: \(Int(Double(calls) / seconds)) advances/s")
    }
  }

  /// The next call is made in the answer to the last, as a front does.
  private func advance(
    _ key: UploadKey, from: Int64, of ledger: EmbeddedLedger, until end: ContinuousClock.Instant,
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

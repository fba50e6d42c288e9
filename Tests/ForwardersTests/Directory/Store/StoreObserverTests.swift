import Foundation
import GatewayCore
import NIOCore
import Synchronization
import Testing

@testable import Forwarders

@Suite("An observer of a store", .timeLimit(.minutes(1)))
struct StoreObserverTests {
  private final class Log: StoreObserver {
    struct State {
      var syncs: [Int] = []
      var jobs = 0
      var refused: [UploadKey] = []
    }

    let state = Mutex(State())

    func syncFinished(after duration: Duration, files: Int) {
      #expect(duration >= .zero)
      state.withLock { $0.syncs.append(files) }
    }

    func jobWaited(_ duration: Duration) {
      #expect(duration >= .zero)
      state.withLock { $0.jobs += 1 }
    }

    func spaceRefused(_ request: SpaceRequest) {
      state.withLock { $0.refused.append(request.key) }
    }
  }

  @Test("hears of every sync with its files, of every wait for a thread, and of space that there is none of")
  func hears() async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let log = Log()
    let store = try DirectoryStore(.init(directory: path), threads: DirectoryPlace.threads, observer: log)
    let sink = try await SinkDriver.open(store, SinkUpload(key: .mint(), total: nil))
    try await sink.write(pattern(200_000))
    #expect(try await sink.checkpoint() == 200_000)
    #expect(log.state.withLock { $0.syncs } == [1])
    _ = try await sink.finish()
    #expect(log.state.withLock { $0.syncs } == [1, 1])
    // Opening, writing, the sync, and the end.
    #expect(log.state.withLock { $0.jobs } >= 4)
    let request = SpaceRequest(key: .mint(), bytes: .max, takesPart: false, subject: "a")
    await #expect(throws: SpaceShortage.self) { try await store.reserveSpace(request, on: sink.eventLoop).get() }
    #expect(log.state.withLock { $0.refused } == [request.key])
  }
}

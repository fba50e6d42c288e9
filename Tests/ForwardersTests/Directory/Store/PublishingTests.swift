import Foundation
import GatewayCore
import NIOCore
import Synchronization
import Testing

@testable import Forwarders

@Suite("Uploads that are finished together", .timeLimit(.minutes(1)))
struct PublishingTests {
  private func upload(_ size: Int) -> SinkUpload { SinkUpload(key: .mint(), total: Int64(size)) }

  @Test("are all in their places with their bytes, small and large ones")
  func together() async throws {
    let place = try DirectoryPlace()
    let sizes = (0..<150).map { $0 == 40 ? 3 << 20 : $0 * 97 % 9000 }
    try await withThrowingTaskGroup { group in
      for (index, size) in sizes.enumerated() {
        group.addTask {
          let upload = upload(size)
          let bytes = pattern(size, seed: UInt64(index))
          let sink = try await SinkDriver.open(place.store, upload)
          try await sink.write(bytes)
          _ = try await sink.finish()
          #expect(place.complete(upload.key) == bytes)
          #expect(place.partial(upload.key) == nil)
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("fail one by one: a final name that is taken, a digest that is wrong, and the others are complete")
  func oneFails() async throws {
    let place = try DirectoryPlace()
    let taken = upload(10)
    try place.plant([1, 2, 3], complete: taken.key)
    var wrong = upload(10)
    wrong.facts.digest = try digest(of: [0])
    let good = (0..<12).map { _ in upload(10) }
    let sinks = try await [taken, wrong].asyncMap { try await SinkDriver.open(place.store, $0) }
    let others = try await good.asyncMap { try await SinkDriver.open(place.store, $0) }
    for sink in sinks + others {
      try await sink.write(pattern(10))
      try await sink.call { $0.finish() }
    }
    guard case .storage = try await sinks[0].failure() else { throw Wrong() }
    guard case .digest = try await sinks[1].failure() else { throw Wrong() }
    for sink in others {
      guard case .finished = await sink.nextButConsumed() else { throw Wrong() }
    }
    #expect(place.complete(taken.key) == [1, 2, 3])
    #expect(place.complete(wrong.key) == nil)
    for upload in good { #expect(place.complete(upload.key) == pattern(10)) }
    // What failed is where it was, and can be let go of.
    #expect(try await sinks[0].suspend() == 0)
    try await sinks[1].call { $0.abandon() }
  }

  @Test("are written only when their last byte has come, and before that hold no file")
  func gathered() async throws {
    let place = try DirectoryPlace()
    let upload = upload(1000)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(400))
    #expect(place.partial(upload.key) == nil)
    #expect(try await sink.checkpoint() == 400)
    #expect(place.partial(upload.key) == Array(pattern(400)))
    try await sink.write(Array(pattern(1000)[400...]))
    _ = try await sink.finish()
    #expect(place.complete(upload.key) == pattern(1000))
  }

  @Test("leave what they have, where the client goes before the last byte")
  func left() async throws {
    let place = try DirectoryPlace()
    let upload = upload(1000)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(400))
    #expect(try await sink.suspend() == 400)
    #expect(place.partial(upload.key) == Array(pattern(400)))
    let next = try await SinkDriver.open(place.store, upload, from: 400)
    try await next.write(Array(pattern(1000)[400...]))
    _ = try await next.finish()
    #expect(place.complete(upload.key) == pattern(1000))
  }

  @Test("have their records flushed before they get their names, unless the sync of the file system took those along")
  func recordsFirst() async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let flushes = Flushes()
    let store = try DirectoryStore(.init(directory: path), threads: DirectoryPlace.threads) { synced in
      let names = try? FileManager.default.contentsOfDirectory(atPath: path)
      flushes.note(synced, names: names?.filter { !$0.hasPrefix(".") }.count)
    }
    let uploads = (0..<12).map { _ in upload(10) }
    let sinks = try await uploads.asyncMap { try await SinkDriver.open(store, $0) }
    for sink in sinks { try await sink.write(pattern(10)) }
    // The first goes alone; the others come while its flush is held up, and go together.
    try await sinks[0].call { $0.finish() }
    await flushes.begun()
    for sink in sinks.dropFirst() { try await sink.call { $0.finish() } }
    flushes.goOn()
    for sink in sinks {
      guard case .finished = await sink.nextButConsumed() else { throw Wrong() }
    }
    let device = GroupSync(directory: store.directory, observer: nil).device
    #expect(flushes.all == [.init(synced: nil, names: 0), .init(synced: device, names: 1)])
  }

  private struct Wrong: Error {}

  /// What a store said before it gave names. The first flush takes until ``goOn()``.
  private final class Flushes: Sendable {
    struct Flush: Equatable {
      /// The number of the file system that was synced.
      var synced: UInt64?
      /// How many final names there were.
      var names: Int?
    }

    private let flushes = Mutex([Flush]())
    private let first = DispatchSemaphore(value: 0)
    private let beginning = AsyncStream.makeStream(of: Void.self)

    var all: [Flush] { flushes.withLock { $0 } }

    func note(_ synced: UInt64?, names: Int?) {
      let isFirst = flushes.withLock { flushes in
        flushes.append(Flush(synced: synced, names: names))
        return flushes.count == 1
      }
      if isFirst {
        beginning.continuation.finish()
        first.wait()
      }
    }

    func begun() async {
      for await _ in beginning.stream {}
    }

    func goOn() {
      first.signal()
    }
  }
}

extension Array where Element: Sendable {
  fileprivate func asyncMap<Result: Sendable>(
    _ body: @escaping @Sendable (Element) async throws -> Result
  ) async throws -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await body(element)) }
    return results
  }
}

@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite(
  "Room on a small disk", .enabled(if: SmallDisk.isPossible, "mounting a tmpfs needs root"), .timeLimit(.minutes(1)))
struct DiskRoomTests {
  private let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

  private func store(
    _ disk: SmallDisk, _ change: (inout DirectoryStore.Settings) -> Void = { _ in }
  ) throws -> DirectoryStore {
    var settings = DirectoryStore.Settings(directory: disk.path)
    change(&settings)
    return try DirectoryStore(settings, threads: DirectoryPlace.threads)
  }

  private func promise(_ store: DirectoryStore, _ bytes: Int64, _ key: UploadKey) async throws -> Int64 {
    try await store.promise(bytes, to: key, on: eventLoop).get()
  }

  @Test("is promised once, whoever asks at the same time, and leaves what is to be left free")
  func concurrent() async throws {
    let disk = try SmallDisk(mebibytes: 4)
    let store = try store(disk) { $0.minFree = 1 << 20 }
    let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
      for _ in 0..<32 { group.addTask { try await promise(store, 200_000, .mint()) } }
      return try await group.reduce(0, +)
    }
    #expect(sum <= 3 << 20 && sum > (3 << 20) - 200_000)
    #expect(try await promise(store, 1, .mint()) == 0)
  }

  @Test("is free again when it is taken back")
  func takenBack() async throws {
    let disk = try SmallDisk(mebibytes: 4)
    let store = try store(disk)
    let (greedy, other) = (UploadKey.mint(), UploadKey.mint())
    let all = try await promise(store, .max, greedy)
    #expect(all > 3 << 20 && all <= 4 << 20)
    #expect(try await promise(store, 100, other) == 0)
    store.takeBackPromise(greedy)
    #expect(try await promise(store, 100, other) == 100)
  }

  @Test("is set aside in the file, kept by an upload that was left, and given back at its end")
  func setAside() async throws {
    let disk = try SmallDisk(mebibytes: 8)
    let store = try store(disk)
    let upload = SinkUpload(key: .mint(), total: 6 << 20, digest: nil)
    #expect(try await promise(store, 6 << 20, upload.key) == 6 << 20)
    let sink = try await SinkDriver.open(store, upload)
    // Another program cannot take it any more.
    #expect(disk.available <= 2 << 20)
    let other = UploadKey.mint()
    #expect(try await promise(store, 6 << 20, other) <= 2 << 20)
    store.takeBackPromise(other)
    try await sink.write(pattern(1 << 20))
    #expect(try await sink.suspend() == 1 << 20)
    #expect(disk.available <= 2 << 20)

    #expect(try await promise(store, 5 << 20, upload.key) == 5 << 20)
    let next = try await SinkDriver.open(store, upload, from: 1 << 20)
    #expect(disk.available <= 2 << 20)
    try await next.call { $0.abandon() }
    try await eventually { disk.available > 7 << 20 }
    #expect(try await promise(store, 7 << 20, .mint()) == 7 << 20)
  }

  @Test("comes back where less was written than was set aside")
  func shorter() async throws {
    let disk = try SmallDisk(mebibytes: 8)
    let store = try store(disk)
    let upload = SinkUpload(key: .mint(), total: 1 << 20, digest: nil)
    #expect(try await promise(store, 6 << 20, upload.key) == 6 << 20)
    let sink = try await SinkDriver.open(store, upload)
    #expect(disk.available <= 2 << 20)
    try await sink.write(pattern(1 << 20))
    _ = try await sink.finish()
    #expect(disk.available > 6 << 20)
    #expect(try await promise(store, 6 << 20, .mint()) == 6 << 20)
  }

  @Test("stays promised to an upload whose size on the disk is unknown, less what it wrote")
  func counted() async throws {
    let disk = try SmallDisk(mebibytes: 8)
    let store = try store(disk) { $0.engine = .zlib(level: 1) }
    let upload = SinkUpload(key: .mint(), total: nil, digest: nil)
    #expect(try await promise(store, 6 << 20, upload.key) == 6 << 20)
    let sink = try await SinkDriver.open(store, upload)
    #expect(disk.available > 7 << 20)
    let other = UploadKey.mint()
    #expect(try await promise(store, 6 << 20, other) <= 2 << 20)
    store.takeBackPromise(other)
    try await sink.write([UInt8](repeating: 0, count: 4 << 20))
    try await sink.waitUntilTook(4 << 20)
    #expect(try await promise(store, 3 << 20, .mint()) == 3 << 20)
    try await sink.call { $0.abandon() }
  }

  @Test("is kept after a restart for what unfinished uploads were granted")
  func restart() async throws {
    let disk = try SmallDisk(mebibytes: 8)
    let store = try store(disk)
    let record = UploadRecord(
      key: .mint(), route: "/", owner: "", total: 6 << 20, committed: 0, granted: 6 << 20, state: .open, epoch: 1,
      format: "bytes", label: nil, digest: nil, createdAt: WallTime(milliseconds: 0),
      expiresAt: WallTime(milliseconds: 1), finishedAt: nil)
    #expect(try store.recover([record]) == [:])
    let other = UploadKey.mint()
    #expect(try await promise(store, 6 << 20, other) <= 2 << 20)
    try await store.discard(record.key, on: eventLoop).get()
    #expect(try await promise(store, 6 << 20, other) == 6 << 20)
  }

  @Test("may end within a member, and nothing that was safe is lost")
  func gzipFull() async throws {
    let disk = try SmallDisk(mebibytes: 4)
    let store = try store(disk) { $0.engine = .zlib(level: 6) }
    let bytes = pattern(6 << 20)
    let upload = SinkUpload(key: .mint(), total: nil, digest: nil)
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(Array(bytes[..<2_500_000]))
    #expect(try await sink.checkpoint() == 2_500_000)
    try await sink.write(Array(bytes[2_500_000...]))
    #expect(try await sink.failure() == .full)
    #expect(try await sink.suspend() == 2_500_000)
    let next = try await SinkDriver.open(store, upload, from: 2_500_000)
    try await next.write(Array(bytes[2_500_000..<2_600_000]))
    _ = try await next.finish()
    #expect(try Gunzip.bytes("\(disk.path)/\(upload.key.text).gz") == Array(bytes[..<2_600_000]))
  }
}

import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import TestPrerequisites
import Testing

@testable import Forwarders

@Suite(
  "Space on a small disk", .enabled(if: try Prerequisite.isMet(SmallDisk.isPossible, "root, to mount a tmpfs")),
  .timeLimit(.minutes(1)))
struct SpaceReservationsTests {
  private let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()

  private func store(
    _ disk: SmallDisk, at folder: String = "", _ change: (inout DirectoryStore.Settings) -> Void = { _ in }
  ) throws -> DirectoryStore {
    var settings = DirectoryStore.Settings(directory: disk.path + folder)
    settings.minFree = disk.size / 20
    change(&settings)
    return try DirectoryStore(settings, threads: DirectoryPlace.threads)
  }

  private func reserve(
    _ store: DirectoryStore, _ bytes: Int64, _ key: UploadKey = .mint(), by subject: String = "a", share: Int = 100
  ) async throws -> Int64 {
    let request = SpaceRequest(key: key, bytes: bytes, takesPart: true, subject: subject, share: share)
    do {
      return try await store.reserveSpace(request, on: eventLoop).get()
    } catch is SpaceShortage {
      return 0
    }
  }

  @Test("is reserved once, whoever asks at the same time, and leaves what is to be left free")
  func concurrent() async throws {
    let disk = try SmallDisk(mebibytes: 4)
    let store = try store(disk) { $0.minFree = 1 << 20 }
    let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
      for index in 0..<64 { group.addTask { try await reserve(store, 200_000, by: "client \(index % 16)") } }
      return try await group.reduce(0, +)
    }
    #expect(sum <= 3 << 20 && sum > 5 << 19)
  }

  @Test("is reserved once, whichever of the stores on the disk is asked")
  func stores() async throws {
    let disk = try SmallDisk(mebibytes: 8)
    let (one, other) = (try store(disk, at: "/one"), try store(disk, at: "/other"))
    let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
      for index in 0..<64 {
        group.addTask { try await reserve(index % 2 == 0 ? one : other, 1 << 20, by: "client \(index % 16)") }
      }
      return try await group.reduce(0, +)
    }
    #expect(sum <= disk.available && sum > 6 << 20)
  }

  @Test("leaves some free where nobody says how much: a twentieth, but no more than a quarter of a small disk")
  func reserve() async throws {
    #expect(SpaceReservations.automatic(size: 100 << 20) == 25 << 20)
    #expect(SpaceReservations.automatic(size: 4 << 30) == 1 << 30)
    #expect(SpaceReservations.automatic(size: 20 << 30) == 1 << 30)
    #expect(SpaceReservations.automatic(size: 500 << 30) == 25 << 30)
    #expect(SpaceReservations.automatic(size: 1 << 50) == 50 << 30)
    let disk = try SmallDisk(mebibytes: 100)
    let store = try store(disk) { $0.minFree = nil }
    var sum: Int64 = 0
    for index in 0..<200 { sum += try await reserve(store, .max, by: "client \(index)") }
    #expect(sum <= disk.available - 25 << 20 && sum > 70 << 20)
  }

  @Test("is free again when it is taken back")
  func takenBack() async throws {
    let disk = try SmallDisk(mebibytes: 4)
    let store = try store(disk)
    let greedy = UploadKey.mint()
    #expect(try await reserve(store, 3 << 20, greedy) == 3 << 20)
    #expect(try await reserve(store, 2 << 20) < 1 << 20)
    store.limitReservedSpace(to: 1 << 20, of: greedy)
    #expect(try await reserve(store, 3 << 19, by: "b") == 3 << 19)
    store.limitReservedSpace(to: 0, of: greedy)
    #expect(try await reserve(store, 1 << 20, by: "c") == 1 << 20)
  }

  @Test("is not set aside on the disk before bytes come, and then in steps ahead of them")
  func setAside() async throws {
    let disk = try SmallDisk(mebibytes: 64)
    let store = try store(disk)
    let before = disk.available
    let upload = SinkUpload(key: .mint(), total: 48 << 20)
    #expect(try await reserve(store, 48 << 20, upload.key) == 48 << 20)
    let sink = try await SinkDriver.open(store, upload)
    #expect(before - disk.available < 1 << 20)
    try await sink.write(pattern(1 << 20))
    try await sink.waitUntilConsumed(1 << 20)
    #expect(before - disk.available < 6 << 20 && before - disk.available > 4 << 20)
    // What is set aside and what is reserved are one and the same: together they are what the upload may have.
    #expect(try await reserve(store, 20 << 20, by: "b") < 16 << 20)
    try await sink.write(pattern(15 << 20))
    try await sink.waitUntilConsumed(16 << 20)
    #expect(before - disk.available > 16 << 20)
    #expect(before - disk.available <= 48 << 20)
    try await sink.call { $0.abandon() }
    try await eventually { disk.available >= before - 1 << 20 }
  }

  @Test("is given back by an upload that is left: what has arrived stays, and no more")
  func left() async throws {
    let disk = try SmallDisk(mebibytes: 64)
    let store = try store(disk)
    let before = disk.available
    let upload = SinkUpload(key: .mint(), total: 48 << 20)
    #expect(try await reserve(store, 48 << 20, upload.key) == 48 << 20)
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(pattern(8 << 20))
    #expect(try await sink.suspend() == 8 << 20)
    #expect(before - disk.available < 9 << 20)
    #expect(try await reserve(store, 44 << 20, by: "b") == 44 << 20)
    // Its client gets what is there when it comes back.
    #expect(try await reserve(store, 40 << 20, upload.key) < 10 << 20)
  }

  @Test("that a gateway set aside and died is given back at the next start")
  func killed() async throws {
    let disk = try SmallDisk(mebibytes: 64)
    let key = UploadKey.mint()
    let store = try store(disk)
    let before = disk.available
    // As a store leaves a file whose process is killed.
    let file = open("\(disk.path)/.partial/\(key.text)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(write(file, pattern(1 << 20), 1 << 20) == 1 << 20)
    var ahead = SpaceAhead(total: 40 << 20)
    let isThere = ahead.extend(file, from: 1 << 20, by: 31 << 20)
    #expect(isThere)
    close(file)
    let record = UploadRecord(
      facts: UploadFacts(key: key, route: "/", total: 40 << 20, createdAt: WallTime(milliseconds: 0)),
      committed: 1 << 20, granted: 40 << 20, state: .open, epoch: 1, expiresAt: WallTime(milliseconds: 1))
    #expect(before - disk.available > 31 << 20)
    #expect(try await store.recover([record]) == [:])
    #expect(before - disk.available < 2 << 20)
    #expect(try await reserve(store, 39 << 20, key) == 39 << 20)
  }

  @Test("is reserved for an upload whose size on the disk is unknown, less what it wrote")
  func counted() async throws {
    let disk = try SmallDisk(mebibytes: 8)
    let store = try store(disk) { $0.engine = .zlib(level: 1) }
    let upload = SinkUpload(key: .mint(), total: nil)
    #expect(try await reserve(store, 6 << 20, upload.key) == 6 << 20)
    let sink = try await SinkDriver.open(store, upload)
    let other = UploadKey.mint()
    #expect(try await reserve(store, 6 << 20, other, by: "b") <= 2 << 20)
    store.limitReservedSpace(to: 0, of: other)
    try await sink.write([UInt8](repeating: 0, count: 4 << 20))
    try await sink.waitUntilConsumed(4 << 20)
    #expect(try await reserve(store, 3 << 20, by: "b") == 3 << 20)
    try await sink.call { $0.abandon() }
  }

  @Test("is for the upload's own bytes: one that other programs leave none for is full before the last of it")
  func filledByOthers() async throws {
    let disk = try SmallDisk(mebibytes: 100)
    let store = try store(disk)
    let upload = SinkUpload(key: .mint(), total: 60 << 20)
    #expect(try await reserve(store, 60 << 20, upload.key) == 60 << 20)
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(pattern(1 << 20))
    #expect(try await sink.checkpoint() == 1 << 20)
    _ = FileManager.default.createFile(
      atPath: disk.path + "/other", contents: Data(count: disk.available - 10 << 20))
    try await sink.write(pattern(20 << 20))
    #expect(try await sink.failure() == .full)
    #expect(disk.available > 2 << 20)
    let safe = try await sink.suspend()
    #expect(safe >= 1 << 20)
    #expect(disk.available > 2 << 20)

    try FileManager.default.removeItem(atPath: disk.path + "/other")
    #expect(try await reserve(store, 60 << 20 - safe, upload.key) == 60 << 20 - safe)
    let next = try await SinkDriver.open(store, upload, from: safe)
    try await next.write(pattern(Int(60 << 20 - safe)))
    _ = try await next.finish()
    #expect(disk.available > 39 << 20 && disk.available < 41 << 20)
  }

  @Test("is a share of the disk for each client, of which what it left unfinished is a part")
  func share() async throws {
    let disk = try SmallDisk(mebibytes: 64)
    let first = try store(disk) { $0.minFree = 0 }
    let upload = SinkUpload(key: .mint(), total: 12 << 20)
    #expect(try await reserve(first, 12 << 20, upload.key, by: "address:a", share: 25) == 12 << 20)
    let sink = try await SinkDriver.open(first, upload)
    try await sink.write(pattern(12 << 20))
    #expect(try await sink.suspend() == 12 << 20)
    let rest = try await reserve(first, 40 << 20, by: "address:a", share: 25)
    #expect(rest > 1 << 20 && rest < 3 << 20)
    #expect(try await reserve(first, 12 << 20, by: "address:b", share: 25) == 12 << 20)

    try await first.discard(upload.key, on: eventLoop).get()
    #expect(try await reserve(first, 11 << 20, by: "address:a", share: 25) == 11 << 20)
  }

  @Test("is a client's share less what it had left unfinished when the gateway stopped")
  func shareAfterRestart() async throws {
    let disk = try SmallDisk(mebibytes: 64)
    let store = try store(disk) { $0.minFree = 0 }
    let key = UploadKey.mint()
    let file = open("\(disk.path)/.partial/\(key.text)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    #expect(write(file, pattern(12 << 20), 12 << 20) == 12 << 20)
    close(file)
    let record = UploadRecord(
      facts: UploadFacts(
        key: key, route: "/", subject: "address:a", total: 20 << 20, createdAt: WallTime(milliseconds: 0)),
      committed: 12 << 20, granted: 20 << 20, state: .open, epoch: 1, expiresAt: WallTime(milliseconds: 1))
    _ = try await store.recover([record])
    await #expect(throws: SpaceShortage.share) {
      let request = SpaceRequest(key: .mint(), bytes: 6 << 20, takesPart: false, subject: "address:a", share: 25)
      return try await store.reserveSpace(request, on: eventLoop).get()
    }
    try await store.discard(key, on: eventLoop).get()
    #expect(try await reserve(store, 11 << 20, by: "address:a", share: 25) == 11 << 20)
  }

  @Test("may end within a member, and nothing that was safe is lost")
  func gzipFull() async throws {
    let disk = try SmallDisk(mebibytes: 4)
    let store = try store(disk) { $0.engine = .zlib(level: 6) }
    let bytes = pattern(6 << 20)
    let upload = SinkUpload(key: .mint(), total: nil)
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

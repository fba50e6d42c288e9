import Forwarders
import Foundation
import GatewayCore
import NIOCore
import TestPrerequisites
import Testing

/// A file system in memory, of 1 MiB unless said otherwise; only root may mount one.
final class SmallDisk {
  let path: String

  static let isPossible: Bool = (try? SmallDisk()) != nil

  init(mebibytes: Int = 1) throws {
    path = try DirectoryPlace.makeFolder()
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
      rmdir(path)
      throw POSIXError(.EPERM)
    }
  }

  deinit {
    umount2(path, 2)  // MNT_DETACH: a store may still hold its folders.
    rmdir(path)
  }

  /// In bytes.
  var size: Int64 {
    var status = statvfs()
    return statvfs(path, &status) == 0 ? Int64(status.f_blocks) * Int64(status.f_frsize) : 0
  }

  /// Bytes that nothing has taken or set aside.
  var available: Int {
    var status = statvfs()
    return statvfs(path, &status) == 0 ? Int(status.f_bavail) * Int(status.f_frsize) : 0
  }

  func makeReadOnly() {
    #expect(mount("tmpfs", path, "tmpfs", UInt(32 | 1), nil) == 0)  // MS_REMOUNT | MS_RDONLY
  }
}

@Suite(
  "On a small disk", .enabled(if: try Prerequisite.isMet(SmallDisk.isPossible, "root, to mount a tmpfs")),
  .timeLimit(.minutes(1)))
struct SmallDiskTests {
  private let upload = SinkUpload(key: .mint(), total: nil)

  @Test("a store that gets full says so, keeps what was safe, and goes on once there is space")
  func full() async throws {
    let disk = try SmallDisk()
    let store = try DirectoryStore(.init(directory: disk.path), threads: DirectoryPlace.threads)
    let bytes = pattern(900_000)
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(Array(bytes[..<300_000]))
    #expect(try await sink.checkpoint() == 300_000)
    _ = FileManager.default.createFile(atPath: disk.path + "/other", contents: Data(count: 400_000))
    try await sink.write(Array(bytes[300_000...]))
    #expect(try await sink.failure() == .full)
    #expect(try await sink.suspend() == 300_000)

    try FileManager.default.removeItem(atPath: disk.path + "/other")
    let next = try await SinkDriver.open(store, upload, from: 300_000)
    try await next.write(Array(bytes[300_000...]))
    _ = try await next.finish()
    #expect(FileManager.default.contents(atPath: "\(disk.path)/\(upload.key.text)") == Data(bytes))
  }

  @Test("a store opens where the disk is full already")
  func startsFull() throws {
    let disk = try SmallDisk()
    _ = FileManager.default.createFile(atPath: disk.path + "/other", contents: Data(count: 1 << 20))
    _ = try DirectoryStore(.init(directory: disk.path), threads: DirectoryPlace.threads)
  }

  @Test("a directory that is read-only is refused at start, by its path")
  func readOnlyAtStart() throws {
    let disk = try SmallDisk()
    _ = try DirectoryStore(.init(directory: disk.path), threads: DirectoryPlace.threads)
    disk.makeReadOnly()
    let failure = try #require(throws: SinkFailure.self) {
      try DirectoryStore(.init(directory: disk.path), threads: DirectoryPlace.threads)
    }
    guard case .storage(let reason) = failure else { throw failure }
    #expect(reason.contains(disk.path) && reason.contains("Read-only file system"))
  }

  @Test("a directory that becomes read-only fails new uploads")
  func readOnlyLater() async throws {
    let disk = try SmallDisk()
    let store = try DirectoryStore(.init(directory: disk.path), threads: DirectoryPlace.threads)
    disk.makeReadOnly()
    let sink = try await SinkDriver.start(store, upload)
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("Read-only file system"))
    await #expect(throws: SinkFailure.self) { try await store.discard(upload.key, on: sink.eventLoop).get() }
  }
}

@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite("A directory store", .timeLimit(.minutes(1)))
struct DirectoryStoreTests {
  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("shows no byte of an upload under a final name before all of them are safe")
  func unfinishedIsInvisible() async throws {
    let place = try DirectoryPlace()
    let upload = SinkUpload(key: .mint(), total: 200_000)
    let sink = try await SinkDriver.open(place.store, upload)
    #expect(place.visibleNames == [])
    try await sink.write(pattern(200_000))
    #expect(try await sink.checkpoint() == 200_000)
    #expect(place.visibleNames == [])
    #expect(place.partialNames == [upload.key.text])
    #expect(try mode("\(place.partialPath)/\(upload.key.text)") == 0o600)
    #expect(try mode(place.partialPath) == 0o700)
    _ = try await sink.finish()
    #expect(place.visibleNames == [upload.key.text])
    #expect(place.partialNames == [])
    #expect(try mode("\(place.path)/\(upload.key.text)") == 0o640)
  }

  @Test("makes its folders, and takes the same ones again after a restart")
  func makesFolders() async throws {
    let base = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: base) }
    for _ in 1...2 {
      let store = try DirectoryStore(.init(directory: base + "/new"), threads: DirectoryPlace.threads)
      #expect(try await store.recover([]) == [:])
      #expect(try FileManager.default.contentsOfDirectory(atPath: base + "/new") == [".partial"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: base + "/new/.partial") == [])
    }
  }

  @Test("closes a folder of unfinished uploads that others can look into")
  func closesPartial() throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createDirectory(
      atPath: path + "/.partial", withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
    _ = try DirectoryStore(.init(directory: path), threads: DirectoryPlace.threads)
    #expect(try mode(path + "/.partial") == 0o700)
  }

  @Test("says which path is wrong and what to do")
  func wrongPlaces() throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    _ = FileManager.default.createFile(atPath: path + "/file", contents: nil)
    for wrong in ["/missing/below", "/file"] {
      let failure = try #require(throws: SinkFailure.self) {
        try DirectoryStore(.init(directory: path + wrong), threads: DirectoryPlace.threads)
      }
      guard case .storage(let reason) = failure else { throw failure }
      #expect(reason.contains(path + wrong) && reason.contains(";"))
    }
  }

  @Test("does not follow a link in place of the folder of unfinished uploads")
  func partialIsLink() throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try FileManager.default.createSymbolicLink(atPath: path + "/.partial", withDestinationPath: "/tmp")
    #expect(throws: SinkFailure.self) { try DirectoryStore(.init(directory: path), threads: DirectoryPlace.threads) }
  }

  @Test("does not share its directory, as recovery would take the other's uploads for remains")
  func exclusive() throws {
    let place = try DirectoryPlace()
    let failure = try #require(throws: SinkFailure.self) {
      try DirectoryStore(.init(directory: place.path), threads: DirectoryPlace.threads)
    }
    guard case .storage(let reason) = failure else { throw failure }
    #expect(reason.contains("in use"))
  }

  @Test("fails what comes after its threads have stopped, and ends it all the same")
  func stoppedThreads() async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let threads = StoreThreads(count: 1)
    threads.start()
    let store = try DirectoryStore(.init(directory: path), threads: threads)
    let sink = try await SinkDriver.open(store, SinkUpload(key: .mint(), total: nil))
    try await sink.write([1, 2, 3])
    #expect(try await sink.checkpoint() == 3)
    try await threads.stop()
    try await sink.write([4])
    guard case .storage = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(try await sink.suspend() == 3)
  }

  @Test("reads back more than one slice for the digest of a resumed upload, while bytes flow")
  func longPrefix() async throws {
    let place = try DirectoryPlace()
    let prefix = [UInt8](repeating: 7, count: Int(PartialFile.inspectionSlice) * 2 + 12_345)
    let tail = pattern(600_000)
    let upload = SinkUpload(
      key: .mint(), total: Int64(prefix.count + tail.count), digest: try digest(of: prefix + tail))
    try place.plant(prefix, partial: upload.key)
    let sink = try await SinkDriver.open(place.store, upload, from: Int64(prefix.count))
    for part in stride(from: 0, to: tail.count, by: 100_000) {
      try await sink.write(Array(tail[part..<part + 100_000]))
    }
    #expect(try await sink.finish() == upload.facts.digest)
  }
}

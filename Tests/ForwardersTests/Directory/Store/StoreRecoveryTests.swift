@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import Testing

@Suite("After a crash, a directory store")
struct StoreRecoveryTests {
  private func record(_ key: UploadKey, total: Int64?, committed: Int64) -> UploadRecord {
    UploadRecord(
      facts: UploadFacts(key: key, route: "/files", total: total, createdAt: WallTime(milliseconds: 0)),
      committed: committed, granted: total ?? 90, state: .open, epoch: 1, expiresAt: WallTime(milliseconds: 1))
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var partial: Int?
    var complete: Int?
    var total: Int64? = 100
    var committed: Int64
    var expected: RecoveredUpload?
    var isDamaged = false
    var isPartialKept = false

    init(
      _ name: String, partial: Int? = nil, complete: Int? = nil, total: Int64? = 100, committed: Int64,
      expected: RecoveredUpload? = nil, isDamaged: Bool = false, isPartialKept: Bool = false
    ) {
      self.isDamaged = isDamaged
      testDescription = name
      self.partial = partial
      self.complete = complete
      self.total = total
      self.committed = committed
      self.expected = expected
      self.isPartialKept = isPartialKept
    }
  }

  static let cases = [
    Case("nothing there, nothing recorded", committed: 0),
    Case("nothing there, bytes recorded", committed: 1, isDamaged: true),
    Case("as recorded", partial: 50, committed: 50, isPartialKept: true),
    Case("longer than recorded", partial: 70, committed: 50, isPartialKept: true),
    Case("shorter than recorded", partial: 49, committed: 50, isDamaged: true, isPartialKept: true),
    Case("nothing recorded of what is there", partial: 9, committed: 0, isPartialKept: true),
    Case("empty, nothing recorded", partial: 0, committed: 0, isPartialKept: true),
    Case("complete, not heard of", complete: 100, committed: 50, expected: .complete(size: 100)),
    Case("complete, never a checkpoint", complete: 100, committed: 0, expected: .complete(size: 100)),
    Case("complete, length unknown", complete: 77, total: nil, committed: 50, expected: .complete(size: 77)),
    Case("complete, and cut by its consumer", complete: 99, committed: 50, expected: .complete(size: 100)),
    Case("complete, length unknown, and cut", complete: 40, total: nil, committed: 50, expected: .complete(size: 50)),
    Case("complete, length unknown, and grown", complete: 99, total: nil, committed: 50, expected: .complete(size: 90)),
    Case("someone else's final file beside it", partial: 60, complete: 100, committed: 50, isPartialKept: true),
  ]

  @Test("finds what became of an open upload", arguments: cases)
  func matrix(_ test: Case) async throws {
    let place = try DirectoryPlace()
    let key = UploadKey.mint()
    if let count = test.partial { try place.plant(pattern(count), partial: key) }
    if let count = test.complete { try place.plant(pattern(count), complete: key) }
    let found = try await place.store.recover([record(key, total: test.total, committed: test.committed)])
    #expect(found[key]?.isDamaged ?? false == test.isDamaged)
    if !test.isDamaged { #expect(found == (test.expected.map { [key: $0] } ?? [:])) }
    #expect(place.holdsUnfinished(key) == test.isPartialKept)
    #expect(place.complete(key)?.count == test.complete)
  }

  @Test("finds a complete file where the configuration before put it", arguments: ["", ".gz"])
  func formerPlace(suffix: String) async throws {
    let template = try NameTemplate(parsing: "{date}/{key}")
    let place = try DirectoryPlace { $0.name = template }
    let key = UploadKey.mint()
    try Data(pattern(60)).write(to: URL(filePath: "\(place.path)/\(key.text)\(suffix)"))
    let found = try await place.store.recover([record(key, total: 100, committed: 0)])
    #expect(found == [key: .complete(size: 100, stored: suffix.isEmpty ? nil : 60)])
  }

  @Test("takes a file with both names for complete")
  func bothNames() async throws {
    let place = try DirectoryPlace()
    let key = UploadKey.mint()
    try place.plant(pattern(100), complete: key)
    try FileManager.default.linkItem(atPath: "\(place.path)/\(key.text)", toPath: "\(place.partialPath)/\(key.text)")
    #expect(try await place.store.recover([record(key, total: 100, committed: 60)]) == [key: .complete(size: 100)])
    #expect(!place.holdsUnfinished(key))
    #expect(place.complete(key) == pattern(100))
  }

  @Test("removes what belongs to no open upload, and touches no complete one")
  func orphans() async throws {
    let place = try DirectoryPlace()
    let (orphan, open, complete) = (UploadKey.mint(), UploadKey.mint(), UploadKey.mint())
    try place.plant(pattern(10), partial: orphan)
    try place.plant(pattern(10), partial: open)
    try place.plant(pattern(10), complete: complete)
    try FileManager.default.createDirectory(
      atPath: place.partialPath + "/folder", withIntermediateDirectories: false)
    #expect(try await place.store.recover([record(open, total: nil, committed: 10)]) == [:])
    #expect(place.partialNames == [open.text, "folder"])
    #expect(place.visibleNames == [complete.text])
  }

  @Test("finds the uploads of a process that was killed", .timeLimit(.minutes(1)))
  func withoutGoodbye() async throws {
    let place = try DirectoryPlace()
    let upload = SinkUpload(key: .mint(), total: 3000, digest: try digest(of: pattern(3000)))
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(Array(pattern(3000)[..<1000]))
    #expect(try await sink.checkpoint() == 1000)
    try await sink.write(pattern(500, seed: 9))
    try await sink.waitUntilConsumed(1500)
    #expect(try await place.store.recover([record(upload.key, total: 3000, committed: 1000)]) == [:])
    let next = try await SinkDriver.open(place.store, upload, from: 1000)
    try await next.write(Array(pattern(3000)[1000...]))
    #expect(try await next.finish() == upload.facts.digest)
  }

  @Test("discards also a file that got its final name and was never settled")
  func discardsUnsettled() async throws {
    let place = try DirectoryPlace()
    let upload = SinkUpload(key: .mint(), total: 10)
    let sink = try await SinkDriver.open(place.forwarder, upload)
    try await sink.write([UInt8](repeating: 7, count: 10))
    _ = try await sink.finish()
    #expect(place.complete(upload.key) != nil)
    try await place.forwarder.discard(upload.key, on: sink.eventLoop).get()
    #expect(place.complete(upload.key) == nil)
  }

  @Test("keeps what an older release has compressed, and does not join it to other bytes, once `gzip` is taken out")
  func compressedBefore() async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let upload = SinkUpload(key: .mint(), total: 4 << 20)
    // Random bytes are stored rather than compressed: the file is no shorter than what was recorded.
    let bytes = (0..<2 << 20).map { _ in UInt8.random(in: 0...255) }
    try await { () async throws in
      let store = try DirectoryStore(.init(directory: path, engine: .zlib(level: 6)), threads: DirectoryPlace.threads)
      let sink = try await SinkDriver.open(store, upload)
      try await sink.write(bytes)
      #expect(try await sink.suspend() == 2 << 20)
    }()
    let plain = try await DirectoryPlace.reopen(.init(directory: path))
    let found = try await plain.recover([record(upload.key, total: 4 << 20, committed: 2 << 20)])
    #expect(found[upload.key]?.isDamaged == true)
    let sink = try await SinkDriver.start(plain, upload, from: 2 << 20)
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("`gzip`") && !reason.contains(upload.key.text))
    #expect(try await sink.suspend() == 2 << 20)
    #expect(FileManager.default.contents(atPath: "\(path)/.partial/\(upload.key.text)")?.count ?? 0 > 2 << 20)
  }
}

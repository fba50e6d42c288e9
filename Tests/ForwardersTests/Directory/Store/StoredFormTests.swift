import Foundation
import GatewayCore
import NIOCore
import Testing

@testable import Forwarders

@Suite("The form of an upload's file", .timeLimit(.minutes(1)))
struct StoredFormTests {
  private let key = UploadKey.mint()

  @Test(
    "is in the ledger as a short text",
    arguments: [
      ("plain", StoredForm(isCompressed: false, hasSidecar: false, place: FinalPlace(folders: [], name: "KEY"))),
      ("gzip", StoredForm(isCompressed: true, hasSidecar: false, place: FinalPlace(folders: [], name: "KEY.gz"))),
      ("plain+sidecar", StoredForm(isCompressed: false, hasSidecar: true, place: FinalPlace(folders: [], name: "KEY"))),
      (
        "gzip+sidecar:token:a/b c/KEY-x:y.gz",
        StoredForm(
          isCompressed: true, hasSidecar: true, place: FinalPlace(folders: ["token:a", "b c"], name: "KEY-x:y.gz"))
      ),
      (
        "plain:KEY.gz",
        StoredForm(isCompressed: false, hasSidecar: false, place: FinalPlace(folders: [], name: "KEY.gz"))
      ),
    ])
  func text(_ text: String, _ form: StoredForm) throws {
    var form = form
    form.place.name = form.place.name.replacing("KEY", with: key.text)
    let text = text.replacing("KEY", with: key.text)
    #expect(form.text(of: key) == text)
    #expect(StoredForm(text, of: key) == form)
  }

  @Test(
    "is not guessed",
    arguments: [
      "", "tar", "plain+", "gzip+other", "Plain", "plain:", "plain:/a", "plain:a//b", "plain:../a", "plain:a/.b",
    ])
  func unknown(_ text: String) async throws {
    #expect(StoredForm(text, of: key) == nil)
    let place = try DirectoryPlace()
    try place.plant(pattern(50), partial: key)
    let upload = SinkUpload(key: key, total: 100, state: text, isResumed: true)
    #expect(try await place.store.recover([place.record(upload, committed: 50)])[key]?.isDamaged == true)
    #expect(place.partial(key)?.count == 50)
    let sink = try await SinkDriver.start(place.store, upload, from: 50)
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("release") && !reason.contains(key.text))
  }

  struct Change: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var before: @Sendable (inout DirectoryStore.Settings) -> Void
    var after: @Sendable (inout DirectoryStore.Settings) -> Void
  }

  private static func named(_ text: String) -> NameTemplate { (try? NameTemplate(parsing: text)) ?? .key }

  static let changes: [Change] = {
    var changes = [
      Change(testDescription: "`gzip` is added", before: { _ in }, after: { $0.engine = .zlib(level: 6) }),
      Change(testDescription: "`gzip` is taken out", before: { $0.engine = .zlib(level: 6) }, after: { _ in }),
      Change(
        testDescription: "the level changes", before: { $0.engine = .zlib(level: 1) },
        after: { $0.engine = .zlib(level: 9) }),
      Change(
        testDescription: "`name` changes", before: { $0.name = named("{date}/{key}-x") },
        after: { $0.name = named("{client}/{key}") }),
      Change(testDescription: "`name` is taken out", before: { $0.name = named("{date}/{key}-x") }, after: { _ in }),
      Change(testDescription: "the sidecar is taken out", before: { $0.metadata = .sidecar }, after: { _ in }),
      Change(testDescription: "the sidecar is added", before: { _ in }, after: { $0.metadata = .sidecar }),
      Change(
        testDescription: "all of it changes",
        before: {
          $0.engine = .zlib(level: 6)
          $0.name = named("{date}/{key}")
          $0.metadata = .sidecar
        }, after: { _ in }),
    ]
    #if ISAL
      changes.append(
        Change(
          testDescription: "the engine changes", before: { $0.engine = .zlib(level: 6) },
          after: { $0.engine = .igzip }))
    #endif
    return changes
  }()

  @Test("stays as it was at the offer, whatever the configuration becomes", arguments: changes)
  func stays(_ change: Change) async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var (before, after) = (DirectoryStore.Settings(directory: path), DirectoryStore.Settings(directory: path))
    change.before(&before)
    change.after(&after)
    // Random bytes: compressed they take no less room than as they are.
    let bytes = (0..<700_000).map { _ in UInt8.random(in: 0...255) }
    var upload = SinkUpload(key: key, total: Int64(bytes.count), digest: try digest(of: bytes))
    try await { [upload] () async throws in
      let store = try DirectoryStore(before, threads: DirectoryPlace.threads)
      let sink = try await SinkDriver.open(store, upload)
      try await sink.write(Array(bytes[..<300_000]))
      #expect(try await sink.suspend() == 300_000)
    }()
    upload.state = before.form(ofNew: upload.facts).text(of: key)
    upload.isResumed = true
    let form = before.form(ofNew: upload.facts)
    let store = try await DirectoryPlace.reopen(after)
    let record = DirectoryPlace.record(upload, committed: 300_000)
    #expect(try await store.recover([record]) == [:])
    let sink = try await SinkDriver.open(store, upload, from: 300_000)
    try await sink.write(Array(bytes[300_000...]))
    #expect(try await sink.finish() == upload.facts.digest)
    let final = path + "/" + form.place.path
    #expect(try (form.isCompressed ? Gunzip.bytes(final) : [UInt8](Data(contentsOf: URL(filePath: final)))) == bytes)
    #expect(FileManager.default.fileExists(atPath: path + "/" + form.place.path + ".json") == form.hasSidecar)
    #expect(after.finalPath(of: record) == final)
    #expect(try after.isPresent(record))
    // The ledger forgot its end.
    let size = try #require(try FileManager.default.attributesOfItem(atPath: final)[.size] as? Int)
    #expect(
      try await store.recover([record]) == [
        key: .complete(size: 700_000, stored: form.isCompressed ? Int64(size) : nil)
      ])
    try FileManager.default.removeItem(atPath: final)
    #expect(try !after.isPresent(record))
  }

  /// A member of ours that says to have `count` bytes of an upload, from `offset` on.
  private func member(_ count: UInt32, at offset: UInt64, size: UInt32 = 100) -> [UInt8] {
    let header = MemberHeader(memberSize: size, rawSize: count, rawOffset: offset)
    return Array(header.bytes.readableBytesView) + pattern(Int(size) - MemberHeader.size, seed: offset + 3)
  }

  @Test("is not learned from the file's bytes: a client may send members of our own")
  func mirrored() async throws {
    let place = try DirectoryPlace()
    var upload = SinkUpload(key: key, total: 3000)
    let bytes = member(1000, at: 0) + pattern(2900)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(Array(bytes[..<1000]))
    #expect(try await sink.suspend() == 1000)
    upload.state = place.store.initialState(of: upload)
    upload.isResumed = true
    #expect(try await place.store.recover([place.record(upload, committed: 1000)]) == [:])
    let next = try await SinkDriver.open(place.store, upload, from: 1000)
    try await next.write(Array(bytes[1000...]))
    _ = try await next.finish()
    #expect(place.complete(key) == bytes)
  }

  @Test("a compressed file has a client's members within its own, and none of them counts, also not in a torn end")
  func compressedMirror() async throws {
    let place = try DirectoryPlace { $0.engine = .zlib(level: 6) }
    let bytes = (0..<40).flatMap { member(5000, at: UInt64($0) * 5000, size: 5000) }
    var upload = SinkUpload(key: key, total: Int64(bytes.count), digest: try digest(of: bytes))
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(Array(bytes[..<20_000]))
    #expect(try await sink.suspend() == 20_000)
    // What a crash may leave behind the last member: bytes of the client's, with headers that would fit.
    let file = try #require(FileHandle(forWritingAtPath: "\(place.partialPath)/\(key.text)"))
    try file.seekToEnd()
    try file.write(contentsOf: Data(member(5000, at: 20_000) + member(5000, at: 25_000)))
    try file.close()
    upload.state = place.store.initialState(of: upload)
    upload.isResumed = true
    #expect(try await place.store.recover([place.record(upload, committed: 20_000)]) == [:])
    let next = try await SinkDriver.open(place.store, upload, from: 20_000)
    try await next.write(Array(bytes[20_000...]))
    #expect(try await next.finish() == upload.facts.digest)
    #expect(place.complete(key) == bytes)
  }
}

@testable import Forwarders
import Foundation
import GatewayCore
import Glibc
import NIOCore
import Testing

@Suite("A gzip store", .timeLimit(.minutes(2)))
struct GzipStoreTests {
  private func place(_ engine: CompressionEngine = .zlib(level: 6)) throws -> DirectoryPlace {
    try DirectoryPlace { $0.engine = engine }
  }

  /// Lines that shrink, with stretches that do not.
  private func mixed(_ count: Int, seed: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 400_000)
    var number = seed
    while bytes.count < count {
      number += 1
      bytes += "line \(number) of a log that says about the same again and again, without much that is new in it\n".utf8
      if number % 10_000 == 0 { bytes += pattern(300_000, seed: number) }
    }
    return Array(bytes.prefix(count))
  }

  @Test(
    "makes files that every reader takes, after cuts and crashes at any place", arguments: CompressionEngine.tested,
    1...4)
  func readers(engine: CompressionEngine, seed: Int) async throws {
    let place = try place(engine)
    var random = SplitMix(state: UInt64(seed))
    let bytes = mixed(1_500_000 + seed * 377_777, seed: UInt64(seed) * 9_000)
    let upload = SinkUpload(key: .mint(), total: Int64(bytes.count), digest: try digest(of: bytes))
    var offset = 0
    var sink = try await SinkDriver.open(place.store, upload)
    while offset < bytes.count {
      let end = min(bytes.count, offset + 1 + Int(random.next() % 900_000))
      try await sink.write(Array(bytes[offset..<end]))
      offset = end
      switch random.next() % 5 {
      case 0: #expect(try await sink.checkpoint() == Int64(offset))
      case 1:
        #expect(try await sink.suspend() == Int64(offset))
        sink = try await SinkDriver.open(place.store, upload, from: Int64(offset))
      case 2:
        // What a killed gateway leaves: safe bytes, and then some of others.
        #expect(try await sink.checkpoint() == Int64(offset))
        try await sink.write(pattern(Int(random.next() % 2_000_000), seed: random.next()))
        let partial = "\(place.partialPath)/\(upload.key.text)"
        let copy = place.path + "/copy"
        try FileManager.default.copyItem(atPath: partial, toPath: copy)
        _ = try await sink.suspend()
        #expect(rename(copy, partial) == 0)
        #expect(
          try await place.store.recover([place.record(upload, committed: Int64(offset))]) == [:])
        sink = try await SinkDriver.open(place.store, upload, from: Int64(offset))
      default: break
      }
    }
    #expect(try await sink.finish() == upload.facts.digest)
    let final = place.finalPath(upload.key)
    #expect(final.hasSuffix(upload.key.text + ".gz"))
    _ = try Gunzip.run("gzip", ["-t", final])
    #expect(try Gunzip.bytes(final) == bytes)
    let python = "import gzip,sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())"
    #expect(try Gunzip.run("python3", ["-c", python, final]) == bytes)
    #expect(try Gunzip.run("pigz", ["-dc", final]) == bytes)
  }

  @Test("goes on with a file that another engine began, also after a crash")
  func otherEngine() async throws {
    let path = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: path) }
    let bytes = mixed(9_000_000, seed: 7_000)
    let upload = SinkUpload(key: .mint(), total: Int64(bytes.count), digest: try digest(of: bytes))
    let step = 1_300_000
    var offset = 0
    for (index, engine) in (CompressionEngine.tested + CompressionEngine.tested).enumerated() {
      let store = try await DirectoryPlace.reopen(.init(directory: path, engine: engine))
      if index % 2 == 1 {
        #expect(try await store.recover([DirectoryPlace.record(upload, committed: Int64(offset))]) == [:])
      }
      let sink = try await SinkDriver.open(store, upload, from: Int64(offset))
      try await sink.write(Array(bytes[offset..<offset + step]))
      offset += step
      #expect(try await sink.suspend() == Int64(offset))
    }
    let store = try await DirectoryPlace.reopen(.init(directory: path, engine: .zlib(level: 9)))
    let sink = try await SinkDriver.open(store, upload, from: Int64(offset))
    try await sink.write(Array(bytes[offset...]))
    #expect(try await sink.finish() == upload.facts.digest)
    let final = "\(path)/\(upload.key.text).gz"
    #expect(try Gunzip.bytes(final) == bytes)
    #expect(try GzipIndex.read(final).rawSize == Int64(bytes.count))
  }

  @Test("leads to any offset by the file alone", arguments: CompressionEngine.tested)
  func index(engine: CompressionEngine) async throws {
    let place = try place(engine)
    let bytes = mixed(5_300_000, seed: 1)
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(place.store, upload)
    var offset = 0
    for end in [1, 2, 1 << 20, (1 << 20) + 5, 2_500_000, bytes.count] {
      try await sink.write(Array(bytes[offset..<end]))
      _ = try await sink.checkpoint()
      offset = end
    }
    _ = try await sink.finish()
    let final = place.finalPath(upload.key)
    let index = try GzipIndex.read(final)
    #expect(index.rawSize == Int64(bytes.count))
    #expect(index.fileSize == Int64(FileManager.default.contents(atPath: final)?.count ?? 0))
    let descriptor = open(final, O_RDONLY)
    defer { close(descriptor) }
    for offset in [0, 1, 2, 3, (1 << 20) - 1, 1 << 20, 2_499_999, 2_500_000, 3_000_000, bytes.count - 1] {
      let member = try #require(index.member(holding: Int64(offset)))
      let raw = try MemberReader.read(
        OpenFile(descriptor: descriptor, place: "it"), at: member.place, rawOffset: member.rawOffset)
      #expect(raw.bytes.getInteger(at: offset - Int(member.rawOffset), as: UInt8.self) == bytes[offset])
      #expect(raw.size == member.size)
    }
    #expect(index.member(holding: Int64(bytes.count)) == nil)
    #expect(index.member(holding: -1) == nil)
  }

  @Test("closes members early only where it has to")
  func borders() async throws {
    let place = try place()
    let size = place.store.memberSize
    let bytes = mixed(3 * size, seed: 5)
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(place.store, upload)
    for part in stride(from: 0, to: bytes.count, by: 50_000) {
      try await sink.write(Array(bytes[part..<min(part + 50_000, bytes.count)]))
    }
    _ = try await sink.finish()
    let index = try GzipIndex.read(place.finalPath(upload.key))
    #expect(index.members.map(\.rawSize) == [Int64](repeating: Int64(size), count: 3))
  }

  @Test("stores what does not shrink, and reports what a file takes up", arguments: CompressionEngine.tested)
  func stored(engine: CompressionEngine) async throws {
    for (bytes, most) in [(pattern(4 << 20), 4_195_500), (mixed(1 << 20, seed: 0), 200_000)] {
      let place = try place(engine)
      let upload = SinkUpload(key: .mint(), total: nil)
      let sink = try await SinkDriver.open(place.store, upload)
      try await sink.write(bytes)
      try await sink.call { $0.finish() }
      guard case .finished(let result) = await sink.nextButConsumed() else { throw SinkDriver.Unexpected(event: nil) }
      let size = try GzipIndex.read(place.finalPath(upload.key)).fileSize
      #expect(result.stored == size && size < most)
      #expect(place.complete(upload.key) == bytes)
    }
  }

  @Test("goes on at no offset where no member ends")
  func noBorder() async throws {
    let place = try place()
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.suspend() == 5000)
    for (offset, reason) in [(4999, "no member ends there"), (5001, "too short")] {
      let sink = try await SinkDriver.start(place.store, upload, from: Int64(offset))
      guard case .storage(let what) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
      #expect(what.contains(reason))
      #expect(try await place.store.recover([place.record(upload, committed: 5000)]) == [:])
    }
    #expect(
      try await place.store.recover([place.record(upload, committed: 4999)])[upload.key]?.isDamaged == true)
  }

  @Test("is found complete after a crash by what its members say")
  func recoversComplete() async throws {
    let place = try place()
    for bytes in [[], pattern(2_500_000)] {
      let upload = SinkUpload(key: .mint(), total: Int64(bytes.count))
      let sink = try await SinkDriver.open(place.store, upload)
      if !bytes.isEmpty { try await sink.write(bytes) }
      _ = try await sink.finish()
      let stored = try Data(contentsOf: URL(filePath: place.finalPath(upload.key))).count
      #expect(
        try await place.store.recover([place.record(upload, committed: 0)])
          == [upload.key: .complete(size: Int64(bytes.count), stored: Int64(stored))])
      #expect(truncate(place.finalPath(upload.key), 20) == 0)
      #expect(
        try await place.store.recover([place.record(upload, committed: 0)])
          == [upload.key: .complete(size: Int64(bytes.count), stored: 20)])
    }
  }

  @Test("notices bytes that were changed behind its back when it reads them again")
  func damaged() async throws {
    let place = try place()
    let bytes = mixed(500_000, seed: 3)
    let upload = SinkUpload(key: .mint(), total: nil, digest: try digest(of: bytes))
    let first = try await SinkDriver.open(place.store, upload)
    try await first.write(bytes)
    #expect(try await first.suspend() == 500_000)
    let file = open("\(place.partialPath)/\(upload.key.text)", O_RDWR)
    var byte: UInt8 = 0
    #expect(pread(file, &byte, 1, 5000) == 1)
    byte ^= 1
    #expect(pwrite(file, &byte, 1, 5000) == 1)
    close(file)
    let sink = try await SinkDriver.open(place.store, upload, from: 500_000)
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("damaged"))
  }
}

extension DirectoryPlace {
  /// What the ledger says of an upload that is open.
  func record(_ upload: SinkUpload, committed: Int64, granted: Int64? = nil) -> UploadRecord {
    Self.record(upload, committed: committed, granted: granted)
  }

  /// The same.
  static func record(_ upload: SinkUpload, committed: Int64, granted: Int64? = nil) -> UploadRecord {
    UploadRecord(
      facts: upload.facts, committed: committed, granted: granted ?? committed, state: .open, epoch: 1,
      expiresAt: WallTime(milliseconds: 1), storeState: upload.state)
  }
}

/// Numbers that are the same in every run.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

import Foundation
import GatewayCore
import Glibc
import NIOCore
import Testing

@testable import Forwarders

/// What an earlier connection left half done, and who goes on with it.
@Suite("An upload that was stopped at its end", .timeLimit(.minutes(1)))
struct TakingUpTests {
  /// Kinds of stores.
  enum Kind: CaseIterable {
    case plain, gzip, everything

    func make() throws -> DirectoryPlace {
      switch self {
      case .plain: try DirectoryPlace()
      case .gzip: try DirectoryPlace { $0.engine = .zlib(level: 6) }
      case .everything:
        try DirectoryPlace {
          $0.engine = .zlib(level: 1)
          $0.name = (try? NameTemplate(parsing: "{date}/{name}-{key}")) ?? .key
          $0.metadata = .sidecar
        }
      }
    }
  }

  /// An upload whose client comes again, as the ledger has it.
  private func again(_ upload: SinkUpload, in store: DirectoryStore) -> SinkUpload {
    var upload = upload
    upload.state = store.initialState(of: upload)
    upload.isResumed = true
    return upload
  }

  private func found(_ store: DirectoryStore, _ upload: SinkUpload, from offset: Int64 = 0) async throws -> (
    size: Int64, result: SinkResult
  ) {
    let event = await (try SinkDriver.start(store, upload, from: offset)).next()
    guard case .found(let size, let result) = event else { throw SinkDriver.Unexpected(event: event) }
    return (size, result)
  }

  @Test(
    "is found in its place by its client's next try, where the ledger was not told, and is what it was",
    arguments: Kind.allCases, [1000, 300_000])
  func published(_ kind: Kind, size: Int) async throws {
    for total in [Int64(size), nil] {
      let place = try kind.make()
      let upload = SinkUpload(key: .mint(), total: total, digest: try digest(of: pattern(size)))
      let sink = try await SinkDriver.open(place.store, upload)
      try await sink.write(pattern(size))
      try await sink.call { $0.finish() }
      guard case .finished(let result) = await sink.nextButConsumed() else { throw SinkDriver.Unexpected(event: nil) }
      let upload2 = again(upload, in: place.store)
      let next = try await found(place.store, upload2)
      #expect(next.size == Int64(size) && next.result == result)
      #expect(place.partialNames.isEmpty)
      // Room is no reason to keep its client from hearing so.
      let request = SpaceRequest(key: upload.key, bytes: 1 << 60, takesPart: false, subject: "")
      #expect(try await place.store.reserveSpace(request, on: sink.eventLoop).get() == 1 << 60)
      // One that began anew has nothing in memory of it.
      place.store.book.forget(upload.key)
      let looked = try await found(place.store, upload2)
      #expect(looked.size == Int64(size) && looked.result == result)
      // Its consumer may have it by now.
      let final = place.settings.form(ofNew: upload.facts).place
      try FileManager.default.removeItem(atPath: place.path + "/" + final.path)
      #expect(try await found(place.store, upload2).size == Int64(size))
    }
  }

  @Test("is found where its file has both names, as on a file system that links for want of a rename")
  func linked() async throws {
    let place = try DirectoryPlace()
    let upload = SinkUpload(key: .mint(), total: 500)
    try place.plant(pattern(500), complete: upload.key)
    try FileManager.default.linkItem(
      atPath: "\(place.path)/\(upload.key.text)", toPath: "\(place.partialPath)/\(upload.key.text)")
    #expect(try await found(place.store, again(upload, in: place.store), from: 100).size == 500)
    #expect(place.partialNames.isEmpty)
    #expect(place.complete(upload.key) == pattern(500))
  }

  @Test("goes on where its final name could be neither made safe nor taken back, until it can be taken back")
  func doubtful() async throws {
    let place = try DirectoryPlace { $0.metadata = .sidecar }
    let upload = SinkUpload(key: .mint(), total: 500)
    try place.plant(pattern(500), complete: upload.key)
    try Data("{}".utf8).write(to: URL(filePath: "\(place.path)/\(upload.key.text).json"))
    place.store.book.setDoubtful(upload.key, true)
    let sink = try await SinkDriver.open(place.store, again(upload, in: place.store), from: 100)
    #expect(place.visibleNames.isEmpty)
    try await sink.write(Array(pattern(500)[100...]))
    _ = try await sink.finish()
    #expect(place.complete(upload.key) == pattern(500))
    #expect(place.visibleNames == [upload.key.text, upload.key.text + ".json"])
  }

  @Test("does not take another's file for its own, and leaves it where it is when it is given up")
  func anothers() async throws {
    let place = try DirectoryPlace()
    let upload = SinkUpload(key: .mint(), total: 500)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(Array(pattern(500)[..<200]))
    #expect(try await sink.suspend() == 200)
    try place.plant([42], complete: upload.key)
    let next = try await SinkDriver.open(place.store, again(upload, in: place.store), from: 200)
    try await next.write(Array(pattern(500)[200...]))
    try await next.call { $0.finish() }
    guard case .storage(let reason) = try await next.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("File exists"))
    #expect(try await next.suspend() == 200)
    try await place.store.discard(upload.key, on: next.eventLoop).get()
    #expect(place.complete(upload.key) == [42])
    #expect(place.partialNames.isEmpty)
  }

  @Test("is settled at a restart, where an older release began it anew beside its complete file")
  func begunAnew() async throws {
    let place = try DirectoryPlace()
    let key = UploadKey.mint()
    try place.plant(pattern(100), complete: key)
    try place.plant(pattern(30), partial: key)
    let upload = SinkUpload(key: key, total: 100)
    #expect(try await place.store.recover([place.record(upload, committed: 0)]) == [key: .complete(size: 100)])
    #expect(place.partialNames.isEmpty)
    #expect(place.complete(key) == pattern(100))
  }

  @Test("leaves no sidecar without its file, and none in the folder of unfinished ones")
  func sidecars() async throws {
    let place = try DirectoryPlace { $0.metadata = .sidecar }
    let (open, taken, stray) = (UploadKey.mint(), UploadKey.mint(), UploadKey.mint())
    try place.plant(pattern(60), partial: open)
    for name in ["\(open.text)", "\(taken.text)", ".partial/\(open.text)", ".partial/\(stray.text)"] {
      try Data("{}".utf8).write(to: URL(filePath: "\(place.path)/\(name).json"))
    }
    let records = [open, taken].map { key in
      let upload = SinkUpload(key: key, total: 100, state: "plain+sidecar")
      return place.record(upload, committed: 60)
    }
    let found = try await place.store.recover(records, besides: [])
    #expect(place.partialNames == [open.text])
    // Of the other the file was taken away, it may be: what is left says so.
    #expect(place.visibleNames == ["\(taken.text).json"])
    #expect(found.uploads.keys.map(\.text) == [taken.text])
    #expect(found.removed.count == 3)
    for removed in found.removed {
      #expect(removed.size == 2 && !removed.reason.isEmpty)
      #expect(![open, taken, stray].contains { removed.name.contains($0.text) }, "keys are secrets")
    }
  }

  @Test("has a file that is kept where its route is called otherwise now")
  func otherRoutes() async throws {
    let place = try DirectoryPlace()
    let (own, other, nobodys) = (UploadKey.mint(), UploadKey.mint(), UploadKey.mint())
    for key in [own, other, nobodys] { try place.plant(pattern(50), partial: key) }
    let upload = SinkUpload(key: own, total: 100)
    let found = try await place.store.recover([place.record(upload, committed: 50)], besides: [other])
    #expect(place.partialNames == [own.text, other.text])
    #expect(found.removed.map(\.name) == [nobodys.logID + "…"])
  }
}

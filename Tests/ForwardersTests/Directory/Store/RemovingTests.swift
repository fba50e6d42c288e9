import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import Testing

@testable import Forwarders

@Suite("A complete upload whose client has it removed", .timeLimit(.minutes(1)))
struct RemovingTests {
  private let loop = MultiThreadedEventLoopGroup.singleton.next()

  /// A complete upload in a store that names files and keeps sidecars, as the ledger has it when it is to be removed.
  private func complete(in store: DirectoryStore) async throws -> UploadRecord {
    let upload = SinkUpload(key: .mint(), total: 100, label: "report")
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(pattern(100))
    _ = try await sink.finish()
    return UploadRecord(
      facts: upload.facts, committed: 100, granted: 0, state: .failed, epoch: 1, expiresAt: WallTime(milliseconds: 0),
      finishedAt: WallTime(milliseconds: 0), storeState: store.initialState(of: upload))
  }

  private func named(_ template: String) throws -> DirectoryPlace {
    let name = try NameTemplate(parsing: template)
    return try DirectoryPlace {
      $0.name = name
      $0.metadata = .sidecar
    }
  }

  @Test("is removed by the name that the ledger has, whatever the configuration says by then")
  func byRecordedName() async throws {
    let place = try named("{name}-{key}")
    let record = try await complete(in: place.store)
    #expect(place.visibleNames.count == 2)
    var settings = place.settings
    settings.name = .key
    settings.metadata = .none
    settings.engine = .zlib(level: 1)
    let copy = try DirectoryPlace {
      settings.directory = $0.directory; $0 = settings
    }
    for name in place.visibleNames {
      try FileManager.default.copyItem(atPath: "\(place.path)/\(name)", toPath: "\(copy.path)/\(name)")
    }
    try await copy.store.remove(record, on: loop).get()
    #expect(copy.visibleNames.isEmpty)
  }

  @Test("is removed as far as it is there: its consumer may have it, and an attempt before may have been stopped")
  func partly() async throws {
    let place = try named("{key}")
    for taken in [[""], [".json"], ["", ".json"]] {
      let record = try await complete(in: place.store)
      for end in taken { try FileManager.default.removeItem(atPath: "\(place.path)/\(record.key.text)\(end)") }
      for _ in 1...2 { try await place.store.remove(record, on: loop).get() }
      #expect(place.visibleNames.isEmpty)
    }
  }

  @Test("is removed of a folder that is gone with it")
  func folder() async throws {
    let place = try named("{date}/{key}")
    let record = try await complete(in: place.store)
    try FileManager.default.removeItem(atPath: "\(place.path)/1970-01-01")
    try await place.store.remove(record, on: loop).get()
    #expect(place.visibleNames.isEmpty)
  }

  @Test("is not called removed while the store is away, nor where something else is in its place")
  func away() async throws {
    let place = try named("{key}")
    let record = try await complete(in: place.store)
    let file = "\(place.path)/\(record.key.text)"
    try FileManager.default.moveItem(atPath: place.path, toPath: place.path + "-moved")
    await #expect(throws: SinkFailure.self) { try await place.store.remove(record, on: loop).get() }
    try FileManager.default.moveItem(atPath: place.path + "-moved", toPath: place.path)
    try FileManager.default.removeItem(atPath: file)
    try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: false)
    await #expect(throws: SinkFailure.self) { try await place.store.remove(record, on: loop).get() }
    #expect(place.visibleNames.count == 2)
    try FileManager.default.removeItem(atPath: file)
    try await place.store.remove(record, on: loop).get()
    #expect(place.visibleNames.isEmpty)
  }
}

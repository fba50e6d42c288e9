import Foundation
import GatewayCore
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import Forwarders

/// Folders that vanish under a store, and the marks that tell stores apart.
@Suite("A store's place", .timeLimit(.minutes(1)))
struct StorePlaceTests {
  private let files = FileManager.default

  private final class Heard: Sendable {
    private let all = Mutex<[StorePresence]>([])
    var presences: [StorePresence] { all.withLock { $0 } }
    /// `away` and `back`, in order.
    var names: [String] {
      presences.map { if case .away = $0 { "away" } else { "back" } }
    }
    func hear(_ presence: StorePresence) { all.withLock { $0.append(presence) } }
  }

  private func store(_ settings: DirectoryStore.Settings, _ heard: Heard) throws -> DirectoryStore {
    try DirectoryStore(settings, threads: DirectoryPlace.threads, onPresence: { heard.hear($0) })
  }

  private func reserve(_ store: DirectoryStore, on loop: any EventLoop) async throws -> Int64 {
    // Longer than a look is good for.
    try await Task.sleep(for: .milliseconds(110))
    let request = SpaceRequest(key: .mint(), bytes: 10, takesPart: false, subject: "")
    return try await store.reserveSpace(request, on: loop).get()
  }

  @Test("that is moved away takes nothing and calls nothing safe, and goes on when it is back; each is said once")
  func movedAway() async throws {
    let base = try DirectoryPlace.makeFolder()
    defer { try? files.removeItem(atPath: base) }
    let heard = Heard()
    let store = try store(.init(directory: base + "/store"), heard)
    let large = SinkUpload(key: .mint(), total: nil)
    let small = SinkUpload(key: .mint(), total: 9)
    let first = try await SinkDriver.open(store, large)
    try await first.write(pattern(500_000))
    #expect(try await first.checkpoint() == 500_000)
    try files.moveItem(atPath: base + "/store", toPath: base + "/elsewhere")
    try await first.write(pattern(500_000, seed: 2))
    try await first.call { $0.checkpoint() }
    guard case .storage(let reason) = try await first.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains(base + "/store") && reason.contains("is not there any more"))
    #expect(try await first.suspend() == 500_000)
    let second = try await SinkDriver.open(store, small)
    try await second.write(pattern(9))
    try await second.call { $0.finish() }
    guard case .storage = try await second.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(try await second.suspend() == 0)
    #expect(try files.contentsOfDirectory(atPath: base + "/elsewhere") == [".partial"])
    await #expect(throws: SinkFailure.self) { try await self.reserve(store, on: first.eventLoop) }
    #expect(heard.names == ["away"])

    try files.moveItem(atPath: base + "/elsewhere", toPath: base + "/store")
    #expect(try await reserve(store, on: first.eventLoop) == 10)
    #expect(heard.names == ["away", "back"])
    let next = try await SinkDriver.open(store, large, from: 500_000)
    _ = try await next.finish()
    #expect(files.contents(atPath: base + "/store/\(large.key.text)")?.count == 500_000)
  }

  @Test("that is removed and made again is another, until it has the store's mark; then it is the store")
  func madeAgain() async throws {
    let base = try DirectoryPlace.makeFolder()
    defer { try? files.removeItem(atPath: base) }
    let heard = Heard()
    let settings = DirectoryStore.Settings(directory: base + "/store")
    let store = try store(settings, heard)
    let mark = StoreMark(ledger: "ledger", route: "/in", ledgerPath: "/state/ledger.sqlite")
    try store.mark(with: mark)
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.checkpoint() == 5000)
    for isMade in [false, true] {
      try? files.removeItem(atPath: base + "/store")
      if isMade { try files.createDirectory(atPath: base + "/store/.partial", withIntermediateDirectories: true) }
      let failure = await #expect(throws: SinkFailure.self) { try await self.reserve(store, on: sink.eventLoop) }
      guard case .storage(let reason) = failure else { throw SinkDriver.Unexpected(event: nil) }
      #expect(reason.contains(isMade ? "sluice store adopt" : "is not there any more"))
    }
    try settings.adopt(StoreMark(ledger: "ledger", route: "/in", ledgerPath: ""))
    await #expect(throws: SinkFailure.self) { try await self.reserve(store, on: sink.eventLoop) }
    try settings.adopt(mark)
    #expect(try await reserve(store, on: sink.eventLoop) == 10)
    #expect(heard.names == ["away", "back"])
    // What was in the folder that is gone is not safe in the new one.
    try await sink.write(pattern(5000))
    try await sink.call { $0.checkpoint() }
    guard case .storage = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(try await sink.suspend() == 5000)
    let other = SinkUpload(key: .mint(), total: 7)
    let next = try await SinkDriver.open(store, other)
    try await next.write(pattern(7))
    _ = try await next.finish()
    #expect(files.contents(atPath: base + "/store/\(other.key.text)")?.count == 7)
  }

  @Test("calls nothing safe of a file that something else has removed or replaced", arguments: [false, true])
  func fileGone(isReplaced: Bool) async throws {
    let place = try DirectoryPlace()
    let upload = SinkUpload(key: .mint(), total: nil)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.checkpoint() == 5000)
    try files.removeItem(atPath: "\(place.partialPath)/\(upload.key.text)")
    if isReplaced { try place.plant(pattern(9000), partial: upload.key) }
    try await sink.write(pattern(5000))
    try await sink.call { $0.checkpoint() }
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("something else") && !reason.contains(upload.key.text))
    #expect(try await sink.suspend() == 5000)
  }

  @Test("has folders below it whose names are made safe anew after they were removed and made again")
  func foldersBelow() throws {
    let place = try DirectoryPlace()
    let directory = place.store.directory
    let final = FinalPlace(folders: ["a", "b"], name: "x")
    var known: [[String]: BornFolder] = [:]
    for _ in 0..<2 {
      let folder = try #require(try directory.folder(of: final, making: true))
      let now = directory.durableFolders.withLock { $0 }
      // Where the file system does not know when a folder was made, none is known, and each is synced every time.
      #expect(now.isEmpty || now[["a", "b"]] == BornFolder(of: folder.descriptor))
      #expect(now.isEmpty || (now[["a"]] != known[["a"]] && now[["a", "b"]] != known[["a", "b"]]))
      known = now
      try files.removeItem(atPath: place.path + "/a")
      try files.createDirectory(atPath: place.path + "/a/b", withIntermediateDirectories: true)
    }
  }

  @Test("has a mark that is read as it was written, and is never put over another but by hand")
  func marks() async throws {
    let place = try DirectoryPlace()
    #expect(try place.settings.look().mark == nil)
    let mark = StoreMark(ledger: "a ledger", route: "/in", ledgerPath: "/var/ü/led\nger: x")
    try place.store.mark(with: mark)
    var read = try #require(try place.settings.look().mark)
    #expect(read.ledgerPath == "/var/ü/led?ger: x")
    read.ledgerPath = mark.ledgerPath
    #expect(read == mark)
    #expect(throws: SinkFailure.self) { try place.store.mark(with: StoreMark(ledger: "b", route: "/", ledgerPath: "")) }
    #expect(try place.settings.look().mark?.id == mark.id)
    #expect(throws: SinkFailure.self, "a gateway has the folder") { try place.settings.adopt(mark) }
    // Recovery sweeps what is nobody's, and that is not it.
    #expect(try await place.store.recover([], besides: []).removed == [])
    #expect(place.partialNames == [".store"])
  }

  @Test(
    "has a mark that is damaged rather than none, where it is not whole",
    arguments: [
      "", "sluice store 1\n", "sluice store 1\nid: a\nledger: b\n", "sluice store 1\nid: a\nend\n",
      "x\nid: a\nledger: b\nend\n",
    ])
  func damagedMark(_ text: String) throws {
    let place = try DirectoryPlace()
    try Data(text.utf8).write(to: URL(filePath: place.partialPath + "/.store"))
    let look = try place.settings.look()
    #expect(look.isStore && look.mark == nil)
    #expect(look.markFault?.contains("\(place.partialPath)/.store") == true)
  }

  @Test("is looked at without being made")
  func looks() throws {
    let base = try DirectoryPlace.makeFolder()
    defer { try? files.removeItem(atPath: base) }
    let look = try DirectoryStore.Settings(directory: base + "/store").look()
    #expect(!look.isStore && look.mark == nil && look.markFault == nil && look.unfinished.isEmpty)
    #expect(try files.contentsOfDirectory(atPath: base) == [])
    let place = try DirectoryPlace()
    let key = UploadKey.mint()
    try place.plant([1], partial: key)
    try Data().write(to: URL(filePath: place.partialPath + "/short"))
    #expect(try place.settings.look().unfinished == [key.text])
  }
}

@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import NIOPosix
import Testing

@Suite("A directory store that fails", .timeLimit(.minutes(1)))
struct DirectoryFailureTests {
  private let upload = SinkUpload(key: .mint(), total: nil)

  /// Puts another file under the descriptor that the sink has, so that the next system call on it fails for real.
  private func replaceDescriptor(_ place: DirectoryPlace, with other: String) throws {
    let wanted = URL(filePath: "\(place.partialPath)/\(upload.key.text)").resolvingSymlinksInPath().path
    let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
    let own = try #require(
      descriptors.first {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == wanted
      }.flatMap { CInt($0) })
    let replacement = open(other, O_RDWR)
    #expect(replacement >= 0 && dup2(replacement, own) == own)
    close(replacement)
  }

  private func reason(_ failure: SinkFailure) throws -> String {
    guard case .storage(let reason) = failure else { throw failure }
    // A key is a secret, and this text is for logs.
    #expect(!reason.contains(upload.key.text))
    return reason
  }

  @Test("to open, where fewer bytes are there than the ledger says")
  func tooShort() async throws {
    let place = try DirectoryPlace()
    try place.plant(pattern(99), partial: upload.key)
    let sink = try await SinkDriver.start(place.store, upload, from: 100)
    let reason = try reason(await sink.failure())
    #expect(reason.contains("the ledger says 100 bytes, the file has 99"))
    #expect(try await sink.suspend() == 100)
    #expect(place.partial(upload.key)?.count == 99)
  }

  @Test("to open, where the file is gone")
  func gone() async throws {
    let place = try DirectoryPlace()
    let sink = try await SinkDriver.start(place.store, upload, from: 100)
    #expect(try reason(await sink.failure()).contains("No such file"))
    try await sink.call { $0.abandon() }
  }

  @Test("to open, where a symbolic link was planted, and leaves its target alone", arguments: [0, 3])
  func symbolicLink(offset: Int64) async throws {
    let place = try DirectoryPlace()
    let target = place.path + "/target"
    _ = FileManager.default.createFile(atPath: target, contents: Data([1, 2, 3, 4, 5]))
    try FileManager.default.createSymbolicLink(
      atPath: "\(place.partialPath)/\(upload.key.text)", withDestinationPath: target)
    let sink = try await SinkDriver.start(place.store, upload, from: offset)
    #expect(try reason(await sink.failure()).contains("symbolic link"))
    try await sink.call { $0.abandon() }
    try await eventually { !place.holdsUnfinished(upload.key) }
    #expect(FileManager.default.contents(atPath: target) == Data([1, 2, 3, 4, 5]))
  }

  @Test("to open, where the file has a second name", arguments: [0, 3])
  func hardLink(offset: Int64) async throws {
    let place = try DirectoryPlace()
    let target = place.path + "/target"
    _ = FileManager.default.createFile(atPath: target, contents: Data([1, 2, 3, 4, 5]))
    try FileManager.default.linkItem(atPath: target, toPath: "\(place.partialPath)/\(upload.key.text)")
    let sink = try await SinkDriver.start(place.store, upload, from: offset)
    #expect(try reason(await sink.failure()).contains("plain file"))
    #expect(FileManager.default.contents(atPath: target) == Data([1, 2, 3, 4, 5]))
    #expect(try await sink.suspend() == offset)
  }

  @Test("to write: full is full, and what was safe stays safe")
  func writeFails() async throws {
    let place = try DirectoryPlace()
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.checkpoint() == 5000)
    try replaceDescriptor(place, with: "/dev/full")
    try await sink.write(pattern(100))
    #expect(try await sink.failure() == .full)
    #expect(try await sink.suspend() == 5000)
    let next = try await SinkDriver.open(place.store, upload, from: 5000)
    _ = try await next.finish()
    #expect(place.complete(upload.key) == pattern(5000))
  }

  @Test("to sync: from then on nothing more is called safe")
  func syncFails() async throws {
    let place = try DirectoryPlace()
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.checkpoint() == 5000)
    try await sink.write(pattern(5000))
    try await sink.waitUntilConsumed(10_000)
    try replaceDescriptor(place, with: "/dev/null")
    try await sink.call { $0.checkpoint() }
    #expect(try reason(await sink.failure()).contains("syncing"))
    #expect(try await sink.suspend() == 5000)
  }

  @Test("to sync while it is suspended: the answer is what was safe before")
  func suspendFails() async throws {
    let place = try DirectoryPlace()
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.checkpoint() == 5000)
    try await sink.write(pattern(5000))
    try await sink.waitUntilConsumed(10_000)
    try replaceDescriptor(place, with: "/dev/null")
    #expect(try await sink.suspend() == 5000)
  }

  @Test("to finish, where the final name is taken, and overwrites nothing")
  func finalTaken() async throws {
    let place = try DirectoryPlace()
    try place.plant([42], complete: upload.key)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    try await sink.call { $0.finish() }
    #expect(try reason(await sink.failure()).contains("File exists"))
    #expect(place.complete(upload.key) == [42])
    try await sink.call { $0.abandon() }
    try await eventually { !place.holdsUnfinished(upload.key) }
    #expect(place.complete(upload.key) == [42])
  }

  @Test("to finish with fewer bytes than were announced")
  func finishTooEarly() async throws {
    let place = try DirectoryPlace()
    let sink = try await SinkDriver.open(place.store, SinkUpload(key: upload.key, total: 6000))
    try await sink.write(pattern(5000))
    try await sink.call { $0.finish() }
    #expect(try reason(await sink.failure()).contains("6000 were announced"))
    #expect(place.visibleNames == [])
    #expect(try await sink.suspend() == 0)
  }

  @Test("to finish a file that something else has cut")
  func cutByOthers() async throws {
    let place = try DirectoryPlace()
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(try await sink.checkpoint() == 5000)
    #expect(truncate("\(place.partialPath)/\(upload.key.text)", 10) == 0)
    try await sink.call { $0.finish() }
    #expect(try reason(await sink.failure()).contains("has 10 bytes"))
    #expect(place.visibleNames == [])
  }
}

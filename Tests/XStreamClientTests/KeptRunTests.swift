import Foundation
import NIOCore
import Testing
import XStream

@testable import XStreamClient

/// Uploads that are kept in a folder, and gone on with by the same call.
@Suite(.timeLimit(.minutes(1)))
struct KeptRunTests {
  private static let size = 2_000_000
  private let folder = StateFolder(path: NSTemporaryDirectory() + "sluice-kept-\(UUID())")

  /// One try, so that a lost connection ends the run.
  private var options: UploadOptions {
    quick {
      $0.folder = folder
      $0.retry.patience = .zero
    }
  }

  private static let cutInTheMiddle: Script = { peer in
    guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
    try await peer.say(offer())
    _ = try await peer.bytes(1_000_000)
    try await peer.cut()
  }

  private static func takesAll(_ bytes: ByteBuffer) -> Script {
    { peer in
      guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
      try await peer.say(offer())
      #expect(try await peer.bytes(size) == bytes)
      try await peer.say(final())
    }
  }

  @Test("the same call goes on in a later run, and of a complete upload nothing is kept")
  func goesOn() async throws {
    let (bytes, options, folder) = (pattern(Self.size), options, folder)
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    try await withFile(bytes) { path in
      try await withServer([
        Self.cutInTheMiddle,
        { peer in
          #expect(try await peer.request().key == key)
          try await peer.say(offer(at: 1_000_000))
          #expect(try await peer.bytes(1_000_000) == bytes.getSlice(at: 1_000_000, length: 1_000_000))
          try await peer.say(final())
        },
        Self.takesAll(bytes),
      ]) { url in
        let cut = await failure { try await client().upload(.file(path), to: url, options: options) }
        #expect(cut?.code == .connection)
        let target = UploadURL.stream(url)
        #expect(folder.record(ofFileAt: LocalPath(path).resolved, url: target)?.key == key.text)
        let outcome = try await client().upload(.file(path), to: url, options: options)
        #expect(outcome.resumedFrom == 1_000_000 && outcome.sent == 1_000_000)
        #expect(folder.record(ofFileAt: LocalPath(path).resolved, url: target) == nil)
        // And so the next is a new one.
        #expect(try await client().upload(.file(path), to: url, options: options).resumedFrom == 0)
      }
    }
  }

  @Test("where the file has changed since, the earlier upload is given up and a new one begun", arguments: [0, 1])
  func changed(growth: Int) async throws {
    let (options, folder, events) = (options, folder, Events())
    var other = pattern(Self.size)
    other.setInteger(UInt8(255), at: 10)
    other.writeBytes([UInt8](repeating: 9, count: growth))
    let bytes = other
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    try await withFile(pattern(Self.size)) { path in
      try await withServer([
        Self.cutInTheMiddle,
        { peer in
          guard case .giveUp(let request) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
          #expect(request.key == key)
          try await peer.say(.gaveUp)
          await peer.drain()
        },
        { peer in
          guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
          try await peer.say(offer())
          #expect(try await peer.bytes(bytes.readableBytes) == bytes)
          try await peer.say(final())
        },
      ]) { url in
        let cut = await failure { try await client().upload(.file(path), to: url, options: options) }
        #expect(cut?.code == .connection)
        try Data(bytes.readableBytesView).write(to: URL(filePath: path))
        let outcome = try await client().upload(.file(path), to: url, options: options, onEvent: events.add)
        #expect(outcome.bytes == bytes.readableBytes && outcome.resumedFrom == 0)
        #expect(folder.record(ofFileAt: LocalPath(path).resolved, url: .stream(url)) == nil)
      }
    }
    // A file of another size is known to be another before it is read.
    #expect(events.all.contains { if case .restarting(.changed) = $0 { true } else { false } } == (growth == 0))
  }
}

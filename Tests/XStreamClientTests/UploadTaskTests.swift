import NIOCore
import Testing
import XStream

@testable import XStreamClient

/// An upload that was started: its sequences, its outcome, its end.
@Suite(.timeLimit(.minutes(1)))
struct UploadTaskTests {
  private static let size: Int64 = 2_000_000
  private let bytes = pattern(Int(size))

  /// One connection that is lost in the middle, and one that goes on.
  private var scripts: [Script] {
    [
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(1_000_000)
        try await peer.say(.progress(Progress(key: key, offset: 1_000_000)))
        try await peer.cut()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(at: 1_000_000))
        _ = try await peer.bytes(1_000_000)
        try await peer.say(final())
      },
    ]
  }

  @Test("progress is a sequence beside the outcome: it never goes back, and ends with the upload, at all of it")
  func progress() async throws {
    let bytes = bytes
    try await withServer(scripts) { url in
      let upload = try client().start(.bytes(bytes), to: .stream(url), options: quick())
      var told: [UploadProgress] = []
      for await progress in upload.progress { told.append(progress) }
      let outcome = try await upload.outcome
      #expect(outcome.bytes == Self.size && outcome.connections == 2)
      #expect(told.last == UploadProgress(sent: Self.size, safe: Self.size, total: Self.size))
      #expect(told.last?.fraction == 1)
      #expect(zip(told, told.dropFirst()).allSatisfy { $0.safe <= $1.safe })
      // Whoever asks again hears the same.
      #expect(try await upload.outcome == outcome)
    }
  }

  @Test("a reader that comes when all is over finds every event, and of progress what is newest")
  func events() async throws {
    let bytes = bytes
    try await withServer(scripts) { url in
      let upload = try client().start(.bytes(bytes), to: .stream(url), options: quick())
      _ = try await upload.outcome
      var told: [String] = []
      var safe: Int64?
      for await event in upload.events {
        told.append("\(event)".prefix { $0 != "(" }.lowercased())
        if case .progress(let progress) = event { safe = progress.safe }
      }
      #expect(told == ["connecting", "offered", "progress", "waiting", "connecting", "offered", "progress"])
      #expect(safe == Self.size)
    }
  }

  @Test("an upload that nobody reads or asks goes on to its end")
  func unobserved() async throws {
    let bytes = bytes
    let (ends, end) = AsyncStream.makeStream(of: Void.self)
    let scripts: [Script] = [
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        #expect(try await peer.bytes(Int(Self.size)) == bytes)
        try await peer.say(final())
        end.yield()
      }
    ]
    try await withServer(scripts) { url in
      _ = try client().start(.bytes(bytes), to: .stream(url), options: quick())
      for await _ in ends { break }
    }
  }

  @Test(
    "a cancelled upload, and one whose caller is cancelled while it waits, stop and say what is safe",
    arguments: [true, false])
  func cancelled(byItself: Bool) async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        await peer.drain()
      }
    ]) { url in
      // Nothing ever comes out of the sequence.
      let upload = try client().start(
        .sequence(AsyncStream<ByteBuffer> { _ in }), to: .stream(url), options: quick())
      for await event in upload.events { if case .offered = event { break } }
      let caller = Task { try await upload.outcome }
      if byItself { upload.cancel() } else { caller.cancel() }
      return await failure { try await caller.value }
    }
    #expect(error?.code == .cancelled)
    #expect(error?.key == UploadHandle(key))
  }

  @Test("a source of no bytes is all there, and of an unknown length nobody knows what part is")
  func fraction() {
    #expect(UploadProgress(sent: 0, safe: 0, total: 0).fraction == 1)
    #expect(UploadProgress(sent: 3, safe: 1, total: 4).fraction == 0.25)
    #expect(UploadProgress(sent: 3, safe: 1, total: nil).fraction == nil)
  }
}

import NIOCore
import Testing
import XStream

@testable import XStreamClient

/// A stream that can never be completed is begun anew, as often as makes sense.
@Suite(.timeLimit(.minutes(1)))
struct GoneStreamTests {
  private static let other: StreamKey = {
    guard let key = StreamKey("ABCDEFGHIJKLMNOPQRST") else { preconditionFailure("a fixture is wrong") }
    return key
  }()

  private let bytes = pattern(1_000_000)

  /// Begins a new stream, and takes it.
  private func beginsAnew(_ peer: inout ScriptedPeer, _ bytes: ByteBuffer) async throws {
    guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
    try await peer.say(offer(key: Self.other))
    #expect(try await peer.bytes(bytes.readableBytes) == bytes)
    try await peer.say(.final(Final(status: .ok, key: Self.other, left: .known(0))))
  }

  /// Goes on with a stream of an earlier run; there is one try only.
  private func resumed(_ scripts: [Script]) async throws -> (UploadOutcome, [TransferEvent]) {
    let (bytes, events) = (bytes, Events())
    let outcome = try await withServer(scripts) { url in
      try await client().upload(
        .bytes(bytes), to: url,
        options: quick {
          $0.resume = ResumePoint(key: key)
          $0.retry.patience = .zero
        }, onEvent: events.add)
    }
    return (outcome, events.all)
  }

  @Test("the stream of an earlier run that is gone is begun anew at once, even where there is one try only")
  func ofAnEarlierRun() async throws {
    let bytes = bytes
    let (outcome, events) = try await resumed([
      { peer in
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(final(.gone, left: 1_000_000))
        await peer.drain()
      }, { peer in try await beginsAnew(&peer, bytes) },
    ])
    #expect(outcome.key.stream == Self.other && outcome.resumedFrom == 0)
    #expect(events.contains { if case .restarting(.gone) = $0 { true } else { false } })
  }

  @Test("a resume that a server from before status 17 refuses with 12 is given up, and the upload begun anew")
  func refusedByAnOlderServer() async throws {
    let bytes = bytes
    let (outcome, _) = try await resumed([
      { peer in
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(
          .refusal(RefusalMessage(status: .backend, reason: "the backend's stream is gone; begin again")))
        guard case .giveUp(let giveUp) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(giveUp.key == key)
        try await peer.say(.gaveUp)
        try await beginsAnew(&peer, bytes)
      }
    ])
    #expect(outcome.key.stream == Self.other && outcome.resumedFrom == 0)
  }

  @Test("a stream of this run that breaks off behind the server is begun anew, and nothing of it is called safe")
  func ofThisRun() async throws {
    let (bytes, events) = (bytes, Events())
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(1_000_000)
        try await peer.say(.progress(Progress(key: key, offset: 400_000)))
        // All bytes have arrived, so the connection stays.
        try await peer.say(final(.backend, left: 600_000))
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(final(.gone, left: 1_000_000))
        await peer.drain()
      }, { peer in try await beginsAnew(&peer, bytes) },
    ]) { url in try await client().upload(.bytes(bytes), to: url, options: quick(), onEvent: events.add) }
    #expect(outcome.key.stream == Self.other)
    let pauses = events.all.compactMap { if case .waiting(let pause) = $0 { pause.error } else { nil } }
    #expect(pauses.map(\.status) == [.backend, .gone])
    #expect(pauses.allSatisfy { ($0.resumePoint?.safe ?? 0) == 0 })
  }

  @Test("a service that breaks off each time is not fed for ever")
  func bounded() async throws {
    let scripts: [Script] = [
      { peer in
        guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        for _ in 0..<5 {
          try await peer.say(offer(.next(100)))
          _ = try await peer.bytes(100)
          try await peer.say(final(.gone, left: 1_000_000))
          guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        }
        try await peer.say(offer(.next(100)))
        _ = try await peer.bytes(100)
        try await peer.say(final(.gone, left: 1_000_000))
        await peer.drain()
      }
    ]
    let bytes = bytes
    let error = try await withServer(scripts) { url in
      await failure { try await client().upload(.bytes(bytes), to: url, options: quick()) }
    }
    #expect(error?.status == .gone && error?.isWorthAnotherTry == true)
    #expect(error?.resumePoint?.safe == 0)
  }

  @Test("a source that cannot go back to its beginning is told so, and its stream is named for whoever gives it up")
  func consumed() async throws {
    let bytes = bytes
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(500_000)
        try await peer.say(.progress(Progress(key: key, offset: 400_000)))
        _ = try await peer.bytes(1_000)
        try await peer.cut()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(.final(Final(status: .gone, reason: "gone", key: key, left: .unlimited, offset: 0)))
        await peer.drain()
      },
    ]) { url in
      await failure {
        let pieces = AsyncStream<ByteBuffer> { feed in feed.yield(bytes) }
        return try await client().upload(.sequence(pieces), to: url, options: quick())
      }
    }
    #expect(error?.status == .gone && error?.code == .cannotRewind && error?.isWorthAnotherTry == false)
    #expect(error?.resumePoint == ResumePoint(key: key))
  }
}

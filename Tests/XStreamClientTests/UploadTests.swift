import NIOCore
import Testing
import XStream
@testable import XStreamClient

@Suite(.timeLimit(.minutes(1)))
struct UploadTests {
  @Test("a file arrives byte for byte, and the request says what it is")
  func wholeFile() async throws {
    let bytes = pattern(3_000_001)
    let outcome = try await withServer([
      { peer in
        guard case .open(let open) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(open.total == .known(3_000_001))
        #expect(open.context.route == "/in")
        #expect(open.context.authorization == .bearer("secret"))
        #expect(open.name?.label == "a b")
        #expect(open.digest == StreamDigest(of: bytes))
        try await peer.say(offer())
        #expect(try await peer.bytes(3_000_001) == bytes)
        try await peer.say(final(digest: open.digest))
      }
    ]) { url in
      try await withFile(bytes) { path in
        try await client(token: "secret").upload(
          .file(path), to: url,
          options: quick {
            $0.computesDigest = true
            $0.name = StreamName(label: "a b")
          })
      }
    }
    #expect(outcome.key.stream == key)
    #expect(outcome.bytes == 3_000_001)
    #expect(outcome.sent == 3_000_001)
    #expect(outcome.digest == StreamDigest(of: bytes))
  }

  @Test("an empty file needs no byte")
  func empty() async throws {
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        try await peer.say(final())
      }
    ]) { url in try await withFile(ByteBuffer()) { try await client().upload(.file($0), to: url, options: quick()) } }
    #expect(outcome.bytes == 0)
  }

  @Test("after a cut the upload goes on from the byte that the server has")
  func cutAndResume() async throws {
    let bytes = pattern(2_000_000)
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(900_000)
        try await peer.cut()
      },
      { peer in
        guard case .resume(let resume) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(resume.key == key)
        #expect(resume.total == .known(2_000_000))
        try await peer.say(offer(at: 700_001))
        let expected = bytes.getSlice(at: 700_001, length: 1_299_999)
        #expect(try await peer.bytes(1_299_999) == expected)
        try await peer.say(final())
      },
    ]) { url in try await withFile(bytes) { try await client().upload(.file($0), to: url, options: quick()) } }
    #expect(outcome.connections == 2)
    #expect(outcome.bytes == 2_000_000)
  }

  @Test("a partial offer is filled, and the rest follows on the same connection")
  func partial() async throws {
    let bytes = pattern(3_000_000)
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(.next(2_000_000)))
        #expect(try await peer.bytes(2_000_000) == bytes.getSlice(at: 0, length: 2_000_000))
        try await peer.say(final(.partial, left: 1_000_000))
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(.refusal(RefusalMessage(status: .quota, reason: "full")))
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(offer(at: 2_000_000))
        #expect(try await peer.bytes(1_000_000) == bytes.getSlice(at: 2_000_000, length: 1_000_000))
        try await peer.say(final())
      }
    ]) { url in try await client().upload(.bytes(bytes), to: url, options: quick()) }
    #expect(outcome.connections == 1)
    #expect(outcome.sent == 3_000_000)
  }

  @Test("a final refusal ends the upload at once, with the server's words", arguments: [Status.noRoute, .unauthorized])
  func refused(status: Status) async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(.refusal(RefusalMessage(status: status, reason: "not for you")))
        await peer.drain()
      }
    ]) { url in await failure { try await client().upload(.bytes(pattern(10)), to: url, options: quick()) } }
    #expect(error?.status == status)
    #expect(error?.reason == "not for you")
    #expect(error?.isWorthAnotherTry == false)
  }

  @Test("a failure in the middle is seen while bytes are being sent, and the upload goes on from there")
  func finalWhileSending() async throws {
    let bytes = pattern(30_000_000)
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(100_000)
        try await peer.say(final(.storage, left: 29_950_000))
        // At 10 MB/s the client has bytes left to send when it hears of it, also on a busy machine.
        while (try? await peer.bytes(100_000)) != nil { try await Task.sleep(for: .milliseconds(10)) }
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(at: 50_000))
        #expect(try await peer.bytes(29_950_000) == bytes.getSlice(at: 50_000, length: 29_950_000))
        try await peer.say(final())
      },
    ]) { url in try await client().upload(.bytes(bytes), to: url, options: quick()) }
    #expect(outcome.connections == 2)
    #expect(outcome.sent < 59_000_000)
  }

  @Test("an offset that goes back, or is past what was sent, is a violation")
  func liesAboutOffset() async throws {
    let back = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(100_000)
        try await peer.say(.progress(Progress(key: key, offset: 90_000)))
        try await peer.say(.progress(Progress(key: key, offset: 80_000)))
        await peer.drain()
      }
    ]) { url in await failure { try await client().upload(.bytes(pattern(100_000)), to: url, options: quick()) } }
    #expect(back?.code == .violation)
    #expect(back?.resumePoint?.key == key)
    let ahead = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(.next(5)))
        try await peer.say(final(.partial, left: 1))
        await peer.drain()
      }
    ]) { url in await failure { try await client().upload(.bytes(pattern(100)), to: url, options: quick()) } }
    #expect(ahead?.code == .violation)
  }

  @Test("success that is claimed before everything was sent is not believed")
  func earlySuccess() async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(.next(50)))
        try await peer.say("headers:\n    status: 0\n    x-stream-key: \(key)\n    x-stream: 0:0\npayload: -\n")
        await peer.drain()
      }
    ]) { url in await failure { try await client().upload(.bytes(pattern(100)), to: url, options: quick()) } }
    #expect(error?.code == .violation)
  }

  @Test("a server that answers nothing is left after the silence timeout")
  func silence() async throws {
    let error = try await withServer([{ peer in await peer.drain() }]) { url in
      await failure {
        try await client(silence: .milliseconds(100)).upload(
          .bytes(pattern(10)), to: url, options: quick { $0.retry.patience = .zero })
      }
    }
    #expect(error?.code == .connection)
    #expect(error?.isWorthAnotherTry == true)
  }

  @Test("a stream of an earlier run that the server forgot begins anew; one of this run does not")
  func unknownKey() async throws {
    let events = Events()
    let outcome = try await withServer([
      { peer in
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(.refusal(RefusalMessage(status: .unknownKey, reason: "who?")))
        guard case .open = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(offer())
        _ = try await peer.bytes(100)
        try await peer.say(final())
      }
    ]) { url in
      try await client().upload(
        .bytes(pattern(100)), to: url, options: quick { $0.resume = ResumePoint(key: key) }, onEvent: events.add)
    }
    #expect(outcome.connections == 1)
    #expect(events.all.contains { if case .restarting = $0 { true } else { false } })
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        try await peer.cut()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(.refusal(RefusalMessage(status: .unknownKey, reason: "taken over")))
        await peer.drain()
      },
    ]) { url in await failure { try await client().upload(.bytes(pattern(100)), to: url, options: quick()) } }
    #expect(error?.status == .unknownKey)
  }

  @Test("a backend's answer comes with the outcome")
  func reply() async throws {
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(10)
        try await peer.say(.final(Final(status: .ok, key: key, left: .known(0), payload: .bytes(5))))
        try await peer.say("hello")
        await peer.drain()
      }
    ]) { url in try await client().upload(.bytes(pattern(10)), to: url, options: quick()) }
    #expect(outcome.reply.map { String(buffer: $0) } == "hello")
  }

  @Test("a cancelled upload stops, and says where the stream stands")
  func cancelled() async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        await peer.drain()
      }
    ]) { url in
      await failure {
        let (offers, offered) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
          try await client().upload(
            .sequence(AsyncStream<ByteBuffer> { _ in }), to: url, options: quick(),
            onEvent: { if case .offered = $0 { offered.yield() } })
        }
        for await _ in offers { break }
        task.cancel()
        return try await task.value
      }
    }
    #expect(error?.code == .cancelled)
    #expect(error?.resumePoint?.key == key)
  }
}

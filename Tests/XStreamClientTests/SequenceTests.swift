import NIOCore
import Synchronization
import Testing
import XStream
@testable import XStreamClient

/// A source that counts what was asked of it.
struct CountedSource: AsyncSequence, Sendable {
  let bytes: ByteBuffer
  let chunk: Int
  let read: Counter

  struct Iterator: AsyncIteratorProtocol {
    var bytes: ByteBuffer
    let chunk: Int
    let read: Counter

    mutating func next() async throws -> ByteBuffer? {
      let slice = bytes.readSlice(length: Swift.min(chunk, bytes.readableBytes))
      read.add(slice?.readableBytes ?? 0)
      return slice.flatMap { $0.readableBytes > 0 ? $0 : nil }
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(bytes: bytes, chunk: chunk, read: read) }
}

private func source(_ bytes: ByteBuffer, chunk: Int = 10_000, read: Counter = .init()) -> CountedSource {
  CountedSource(bytes: bytes, chunk: chunk, read: read)
}

private let unknownFinal = ServerMessage.final(Final(status: .ok, key: key, left: .known(0)))

@Suite(.timeLimit(.minutes(1)))
struct SequenceTests {
  @Test("a stream of unknown length ends with close_notify", arguments: [1, 777, 100_000])
  func ends(chunk: Int) async throws {
    let bytes = pattern(4_000)
    let outcome = try await withServer([
      { peer in
        guard case .open(let open) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(open.total == .unlimited)
        try await peer.say(offer())
        #expect(try await peer.rest() == bytes)
        try await peer.say(unknownFinal)
      }
    ]) { url in
      try await client().upload(.sequence(source(bytes, chunk: chunk)), to: url, options: quick())
    }
    #expect(outcome.bytes == 4_000)
  }

  @Test("after cuts the bytes that were not safe are sent again from memory")
  func resumes() async throws {
    let bytes = pattern(3_000_000)
    let outcome = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(600_000)
        try await peer.say(.progress(Progress(key: key, offset: 500_000)))
        _ = try await peer.bytes(10_000)
        try await peer.cut()
      },
      { peer in
        guard case .resume = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        try await peer.say(offer(at: 512_345))
        #expect(try await peer.bytes(300_000) == bytes.getSlice(at: 512_345, length: 300_000))
        try await peer.cut()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(at: 512_345))
        #expect(try await peer.rest() == bytes.getSlice(at: 512_345, length: 3_000_000 - 512_345))
        // The client does not hear whether it is complete.
        try await peer.cut()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(at: 3_000_000))
        #expect(try await peer.rest().readableBytes == 0)
        try await peer.say(unknownFinal)
      },
    ]) { url in
      try await client().upload(
        .sequence(source(bytes), exactWindow: 4_000_000), to: url, options: quick())
    }
    #expect(outcome.connections == 4)
    #expect(outcome.bytes == 3_000_000)
  }

  @Test("while the window is full of bytes that are not safe, the source is not read")
  func isBounded() async throws {
    let bytes = pattern(5_000_000)
    let read = Counter()
    let window = 1_000_000
    _ = try await withServer([
      { peer in
        guard case .open(let open) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(open.acknowledgeEvery == Int64(window) / 8)
        try await peer.say(offer())
        var received = 0
        while received < 5_000_000 {
          let next = min(window, 5_000_000 - received)
          _ = try await peer.bytes(next)
          received += next
          #expect(read.value >= received)
          #expect(read.value <= received + 10_000)
          try await peer.say(.progress(Progress(key: key, offset: Int64(received))))
        }
        #expect(try await peer.rest().readableBytes == 0)
        try await peer.say(unknownFinal)
      }
    ]) { url in
      try await client().upload(
        .sequence(source(bytes, read: read), exactWindow: window), to: url, options: quick())
    }
  }

  @Test("a server that lost bytes which were safe cannot be satisfied")
  func cannotRewind() async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(100_000)
        try await peer.say(.progress(Progress(key: key, offset: 100_000)))
        try await peer.say(
          .final(Final(status: .backend, reason: "gone", key: key, left: .unlimited, offset: nil)))
        await peer.drain()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(at: 0))
        await peer.drain()
      },
    ]) { url in
      await failure {
        try await client().upload(.sequence(source(pattern(1_000_000))), to: url, options: quick())
      }
    }
    #expect(error?.code == .cannotRewind)
  }

  @Test("a partial offer to a stream of unknown length is filled and gone on from")
  func partial() async throws {
    let bytes = pattern(300_000)
    _ = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(.next(100_000)))
        #expect(try await peer.bytes(100_000) == bytes.getSlice(at: 0, length: 100_000))
        try await peer.say(
          .final(Final(status: .partial, reason: "more", key: key, left: .unlimited, offset: 100_000)))
        await peer.drain()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(.next(200_000), at: 100_000))
        #expect(try await peer.rest() == bytes.getSlice(at: 100_000, length: 200_000))
        try await peer.say(unknownFinal)
      },
    ]) { url in try await client().upload(.sequence(source(bytes)), to: url, options: quick()) }
  }

  @Test("a sequence of known length that ends early fails the upload")
  func tooShort() async throws {
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        await peer.drain()
      }
    ]) { url in
      await failure {
        try await client().upload(.sequence(source(pattern(100)), total: 101), to: url, options: quick())
      }
    }
    #expect(error?.code == .source)
  }

  @Test("a cancelled stream of unknown length ends as a lost one, or the server would take it for the whole")
  func cancelledIsNotWhole() async throws {
    let (arrivals, arrived) = AsyncStream.makeStream(of: Void.self)
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(100)
        arrived.yield()
        do {
          _ = try await peer.rest()
          Issue.record("close_notify said that the stream is whole")
        } catch {}
      }
    ]) { url in
      await failure {
        let (chunks, chunk) = AsyncStream.makeStream(of: ByteBuffer.self)
        defer { chunk.finish() }
        chunk.yield(pattern(100))
        let task = Task { try await client().upload(.sequence(chunks), to: url, options: quick()) }
        for await _ in arrivals { break }
        task.cancel()
        return try await task.value
      }
    }
    #expect(error?.code == .cancelled)
  }
}

import Foundation
import NIOCore
import Synchronization
import Testing
import XStream

@testable import XStreamClient

/// What was read of a file is held against what is read again: after a change, after a cut, and in a later run.
@Suite(.timeLimit(.minutes(1)))
struct ChangedFileTests {
  /// Overwrites a byte and puts the time of modification back.
  private func edit(_ path: String, at offset: Int) throws {
    var status = stat()
    try #require(stat(path, &status) == 0)
    let file = try FileHandle(forUpdating: URL(filePath: path))
    try file.seek(toOffset: UInt64(offset))
    try file.write(contentsOf: Data("edited".utf8))
    try file.close()
    var times = [status.st_atim, status.st_mtim]
    try #require(utimensat(AT_FDCWD, path, &times, 0) == 0)
  }

  /// The proofs of a run, and what was kept last.
  private final class Proofs: Sendable {
    private let last = Mutex<PrefixProof?>(nil)
    var latest: PrefixProof? { last.withLock { $0 } }
    var keep: @Sendable (PrefixProof) -> Void { { proof in self.last.withLock { $0 = proof } } }
  }

  @Test("a file whose sent bytes change while it is sent is never completed, though its time is put back")
  func editedWithinTheRun() async throws {
    try await withFile(pattern(40_000_000)) { path in
      let error = try await withServer([
        { peer in
          _ = try await peer.request()
          try await peer.say(offer())
          _ = try await peer.bytes(1_000_000)
          try edit(path, at: 10)
          await #expect(throws: (any Error).self) { _ = try await peer.bytes(39_000_000) }
        }
      ]) { url in await failure { try await client().upload(.file(path), to: url, options: quick()) } }
      #expect(error?.code == .changed && error?.resumePoint?.key == key)
      #expect(error?.isWorthAnotherTry == false)
    }
  }

  @Test("a change of the very last bytes, when all others are sent, is seen before they are")
  func editedAtTheEnd() async throws {
    try await withFile(pattern(3_000_000)) { path in
      let error = try await withServer([
        { peer in
          _ = try await peer.request()
          try await peer.say(offer(.next(2_500_000)))
          _ = try await peer.bytes(2_500_000)
          try edit(path, at: 2_400_000)
          try await peer.say(final(.partial, left: 500_000))
          _ = try await peer.request()
          try await peer.say(offer(at: 2_500_000))
          await #expect(throws: (any Error).self) { _ = try await peer.bytes(500_000) }
        }
      ]) { url in await failure { try await client().upload(.file(path), to: url, options: quick()) } }
      #expect(error?.code == .changed)
    }
  }

  @Test("a file whose attributes change, or that is replaced by another, goes on: its bytes are the same")
  func touchedOnly() async throws {
    let bytes = pattern(20_000_000)
    try await withFile(bytes) { path in
      let outcome = try await withServer([
        { peer in
          _ = try await peer.request()
          try await peer.say(offer())
          var received = try await peer.bytes(1_000_000)
          try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
          var more = try await peer.bytes(9_000_000)
          received.writeBuffer(&more)
          try FileManager.default.removeItem(atPath: path)
          try Data("another".utf8).write(to: URL(filePath: path))
          var rest = try await peer.bytes(10_000_000)
          received.writeBuffer(&rest)
          #expect(received == bytes)
          try await peer.say(final())
        }
      ]) { url in try await client().upload(.file(path), to: url, options: quick()) }
      #expect(outcome.bytes == 20_000_000)
    }
  }

  @Test("of a file that grows, what was announced is sent, and the outcome says so")
  func grows() async throws {
    let bytes = pattern(20_000_000)
    try await withFile(bytes) { path in
      let outcome = try await withServer([
        { peer in
          _ = try await peer.request()
          try await peer.say(offer())
          var received = try await peer.bytes(1_000_000)
          try append(77, to: path)
          var rest = try await peer.bytes(19_000_000)
          received.writeBuffer(&rest)
          #expect(received == bytes)
          try await peer.say(final())
        }
      ]) { url in try await client().upload(.file(path), to: url, options: quick()) }
      #expect(outcome.bytes == 20_000_000 && outcome.grownTo == 20_000_077)
    }
  }

  @Test("a file that gets shorter fails, with its name and both sizes")
  func shrinks() async throws {
    try await withFile(pattern(40_000_000)) { path in
      let error = try await withServer([
        { peer in
          _ = try await peer.request()
          try await peer.say(offer())
          _ = try await peer.bytes(1_000_000)
          try #require(truncate(path, 30_000_000) == 0)
          await #expect(throws: (any Error).self) { _ = try await peer.bytes(39_000_000) }
        }
      ]) { url in await failure { try await client().upload(.file(path), to: url, options: quick()) } }
      let text = try #require(error?.description)
      #expect(error?.code == .changed && text.contains(path) && text.contains("30000000") && text.contains("40000000"))
    }
  }

  @Test("bytes that are sent again after a cut have to be what they were")
  func editedBetweenConnections() async throws {
    try await withFile(pattern(4_000_000)) { path in
      let error = try await withServer([
        { peer in
          _ = try await peer.request()
          try await peer.say(offer())
          _ = try await peer.bytes(4_000_000)
          try edit(path, at: 3_900_000)
          try await peer.cut()
        },
        { peer in
          _ = try await peer.request()
          // Only 100,000 bytes are sent again, with the edited ones among them.
          try await peer.say(offer(at: 3_900_000))
          await #expect(throws: (any Error).self) { _ = try await peer.bytes(100_000) }
        },
      ]) { url in await failure { try await client().upload(.file(path), to: url, options: quick()) } }
      #expect(error?.code == .changed)
    }
  }

  @Test("a later run goes on if the file begins as it did, wherever the server's bytes end", arguments: [0, 700_001])
  func laterRun(offset: Int) async throws {
    let bytes = pattern(20_000_000)
    let proofs = Proofs()
    try await withFile(bytes) { path in
      let first = try await interrupted(path, proofs)
      #expect(first.key == key)
      let proof = try #require(proofs.latest)
      #expect(proof.end >= 1_000_000)
      #expect(proof.digest == StreamDigest(of: bytes.getSlice(at: 0, length: Int(proof.end)) ?? bytes)?.bytes)
      let outcome = try await withServer([
        { peer in
          guard case .resume(let resume) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
          #expect(resume.open.digest == nil)
          try await peer.say(offer(at: Int64(offset)))
          let rest = bytes.getSlice(at: offset, length: 20_000_000 - offset)
          #expect(try await peer.bytes(20_000_000 - offset) == rest)
          try await peer.say(final())
        }
      ]) { url in
        try await client().upload(
          .file(path), to: url,
          options: quick {
            $0.resume = ResumePoint(key: key)
            $0.proof = proof
          })
      }
      #expect(outcome.resumedFrom == offset)
    }
  }

  @Test("a later run does not go on with a file that was edited where it had been sent")
  func editedBetweenRuns() async throws {
    let proofs = Proofs()
    try await withFile(pattern(20_000_000)) { path in
      _ = try await interrupted(path, proofs)
      try edit(path, at: 10)
      let error = try await withServer([]) { url in
        await failure {
          try await client().upload(
            .file(path), to: url,
            options: quick {
              $0.resume = ResumePoint(key: key)
              $0.proof = proofs.latest
            })
        }
      }
      #expect(error?.code == .changed && error?.resumePoint?.key == key)
    }
  }

  @Test("a later run without a proof, or with one of fewer bytes than the server has, lets the server compare a digest")
  func provedByDigest() async throws {
    let bytes = pattern(3_000_000)
    let digest = StreamDigest(of: bytes)
    try await withFile(bytes) { path in
      let whole: Script = { peer in
        guard case .resume(let resume) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
        #expect(resume.open.digest == digest)
        try await peer.say(offer(at: 2_000_000))
        #expect(try await peer.bytes(1_000_000) == bytes.getSlice(at: 2_000_000, length: 1_000_000))
        try await peer.say(final(digest: digest))
      }
      let without = try await withServer([whole]) { url in
        try await client().upload(.file(path), to: url, options: quick { $0.resume = ResumePoint(key: key) })
      }
      #expect(without.digest == digest)
      let short = PrefixProof(
        end: 1_000_000, digest: try #require(StreamDigest(of: bytes.getSlice(at: 0, length: 1_000_000) ?? bytes)).bytes)
      let fewer = try await withServer([
        { peer in
          guard case .resume(let resume) = try await peer.request() else { throw ScriptedPeer.Cut.ended }
          #expect(resume.open.digest == nil)
          try await peer.say(offer(at: 2_000_000))
          await peer.drain()
        }, whole,
      ]) { url in
        try await client().upload(
          .file(path), to: url,
          options: quick {
            $0.resume = ResumePoint(key: key)
            $0.proof = short
          })
      }
      #expect(fewer.digest == digest)
    }
  }

  /// A first run, which is stopped when the server has a million bytes.
  private func interrupted(_ path: String, _ proofs: Proofs) async throws -> ResumePoint {
    let (marks, reached) = AsyncStream.makeStream(of: Void.self)
    let error = try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(1_000_000)
        reached.yield()
        await peer.drain()
      }
    ]) { url in
      await failure {
        let task = Task {
          try await client().upload(.file(path), to: url, options: quick { $0.onProof = proofs.keep })
        }
        for await _ in marks { break }
        task.cancel()
        return try await task.value
      }
    }
    return try #require(error?.resumePoint)
  }
}

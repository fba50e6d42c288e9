import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Synchronization
import Testing
import XStream
import XStreamClient

/// The client library against the gateway.
@Suite(.timeLimit(.minutes(1))) struct ClientLibraryTests {
  @Test("files, bytes and sequences arrive byte for byte, with their names and digests")
  func sources() async throws {
    try await withGateway { gateway in
      let (client, url) = (try UploadClient.test(), try gateway.url())
      let bytes = pattern(2_500_000)
      let file = try gateway.folder.write("file", Data(bytes))
      let ofFile = try await client.upload(
        .file(file), to: url,
        options: .quick {
          $0.computesDigest = true
          $0.name = StreamName(label: "a file.bin")
        })
      #expect(try gateway.folder.stored(ofFile.key.text) == bytes)
      #expect(ofFile.digest != nil && ofFile.connections == 1 && ofFile.sent == 2_500_000)
      let pieces = AsyncStream<ByteBuffer> { feed in
        var rest = bytes
        while let piece = rest.readSlice(length: min(rest.readableBytes, 77_777)), piece.readableBytes > 0 {
          feed.yield(piece)
        }
        feed.finish()
      }
      let ofSequence = try await client.upload(.sequence(pieces), to: url, options: .quick())
      #expect(try gateway.folder.stored(ofSequence.key.text) == bytes)
      let empty = try await client.upload(.bytes(ByteBuffer()), to: url, options: .quick())
      #expect(try gateway.folder.stored(empty.key.text).readableBytes == 0)
      let payload = try await client.send(ByteBuffer(string: "a small one"), to: url)
      #expect(try gateway.folder.stored(payload.key.text) == ByteBuffer(string: "a small one"))
      let records = try gateway.folder.expectSoundQuota(route: "/upload-file")
      #expect(Set(records.map(\.facts.label)) == ["a file.bin", nil])
      try await gateway.expectAtRest()
    }
  }

  @Test("a stopped upload is asked for, gone on with from where it was, and another one given up")
  func askResumeGiveUp() async throws {
    try await withGateway { gateway in
      let (client, url) = (try UploadClient.test(), try gateway.url())
      let bytes = pattern(3 << 20)
      let point = try await stopped(after: 1 << 20, of: bytes, client, url, in: gateway.folder)
      #expect(point.safe >= 1 << 20)
      let position = try await client.ask(point.key, total: 3 << 20, at: url)
      #expect(!position.isComplete && (position.safe ?? -1) >= point.safe)
      #expect(position.left == (3 << 20) - (position.safe ?? 0))
      let outcome = try await client.upload(.bytes(bytes), to: url, options: .quick { $0.resume = point })
      #expect(outcome.key.stream == point.key && outcome.resumedFrom >= point.safe)
      #expect(try gateway.folder.stored(point.key.text) == bytes)
      #expect(try await client.ask(point.key, total: 3 << 20, at: url).isComplete)

      let other = try await stopped(after: 1 << 20, of: bytes, client, url, in: gateway.folder)
      try await client.giveUp(other.key, at: url)
      let unknown = await failure { try await client.ask(other.key, total: 3 << 20, at: url) }
      #expect(unknown?.status == .unknownKey)
      let complete = await failure { try await client.giveUp(point.key, at: url) }
      #expect(complete?.status == .unknownKey)
      try await gateway.expectAtRest()
    }
  }

  /// Sends the beginning, and stops when so many bytes are safe.
  private func stopped(
    after count: Int, of bytes: ByteBuffer, _ client: UploadClient, _ url: XStreamURL, in folder: GatewayFolder
  ) async throws -> ResumePoint {
    let (pieces, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
    feed.yield(bytes.getSlice(at: 0, length: count) ?? bytes)
    let told = Mutex<Int64>(0)
    let upload = Task {
      try await client.upload(
        .sequence(pieces, total: Int64(bytes.readableBytes)), to: url,
        options: .quick { $0.acknowledgeEvery = 1 }
      ) { if case .progress(let progress) = $0 { told.withLock { $0 = progress.safe } } }
    }
    let ledger = try LedgerReader(path: folder.ledger)
    #expect(try await eventually { try ledger.uploads(state: .open, route: nil).contains { $0.committed >= count } })
    // The client's word of it comes with a later byte.
    var end = count
    let isTold = await eventually {
      feed.yield(bytes.getSlice(at: end, length: 1) ?? bytes)
      end += 1
      return told.withLock { $0 >= count }
    }
    #expect(isTold)
    upload.cancel()
    let error = await failure { try await upload.value }
    #expect(error?.code == .cancelled)
    return try #require(error?.resumePoint)
  }

  @Test("a certificate and a token say whose an upload is; without them there is none")
  func identities() async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "optional"
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens, certificates: true}")
    try await withGateway(setup) { gateway in
      let (url, bytes) = (try gateway.url(), pattern(100_000))
      let withCertificate = try UploadClient.test(certificate: true)
      let withToken = try UploadClient.test(token: Token.alice.secret)
      for client in [withCertificate, withToken] {
        let outcome = try await client.upload(.bytes(bytes), to: url, options: .once)
        #expect(try gateway.folder.stored(outcome.key.text) == bytes)
        // Nobody else's, not even to ask about.
        let other = try UploadClient.test(token: Token.bob.secret)
        let asked = await failure { try await other.ask(outcome.key, total: 100_000, at: url) }
        #expect(asked?.status == .unknownKey)
      }
      for client in [try UploadClient.test(), try .test(token: "not-a-token-of-anybody")] {
        let refused = await failure { try await client.upload(.bytes(bytes), to: url, options: .once) }
        #expect(refused?.status == .unauthorized && refused?.isWorthAnotherTry == false)
      }
      try await gateway.expectAtRest(client: withToken)
    }
  }

  @Test("where a certificate is required, a client without one gets no connection")
  func certificateRequired() async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    try await withGateway(setup) { gateway in
      let refused = await failure {
        try await UploadClient.test().upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
      }
      #expect(refused?.code == .security, "\(String(describing: refused))")
      try await gateway.expectAtRest(client: .test(certificate: true))
    }
  }

  @Test("a server whose authority is not trusted gets no byte")
  func untrusted() async throws {
    try await withGateway { gateway in
      let stranger = try UploadClient.test(ca: TestCertificates.strangers.ca)
      let refused = await failure {
        try await stranger.upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
      }
      #expect(refused?.code == .security && refused?.isWorthAnotherTry == false)
      try await gateway.expectAtRest()
    }
  }
}

import Foundation
import GatewayCore
import GatewayServer
import NIOCore
import Synchronization
import Testing
import XStream
import XStreamClient

/// The client library at `https` URLs of the gateway.
@Suite(.timeLimit(.minutes(2))) struct HTTPSendTests {
  private static var setup: GatewaySetup {
    var setup = GatewaySetup()
    setup.more = "http: {}"
    return setup
  }

  private func url(_ port: Int, _ route: String = "/upload-file") throws -> UploadURL {
    try UploadURL("https://localhost:\(port)\(route)")
  }

  /// HTTP, also where the gateway offers x-stream.
  private static func overHTTP(_ change: (inout UploadOptions) -> Void = { _ in }) -> UploadOptions {
    .quick {
      $0.speaksXStream = false
      change(&$0)
    }
  }

  /// The key that the gateway has for an upload, which is the last part of its URL.
  private func stored(_ outcome: UploadOutcome, _ folder: GatewayFolder) throws -> ByteBuffer {
    try folder.stored(String(try #require(outcome.key.text.split(separator: "/").last)))
  }

  private func pieces(of bytes: ByteBuffer, _ size: Int) -> AsyncStream<ByteBuffer> {
    AsyncStream { feed in
      var rest = bytes
      while let piece = rest.readSlice(length: min(rest.readableBytes, size)), piece.readableBytes > 0 {
        feed.yield(piece)
      }
      feed.finish()
    }
  }

  @Test("files, bytes and sequences arrive byte for byte, with names and digests")
  func sources() async throws {
    try await withGateway(Self.setup) { gateway in
      let (client, url) = (try UploadClient.test(), try url(gateway.port))
      let bytes = pattern(2_500_000)
      let file = try gateway.folder.write("file", Data(bytes))
      let ofFile = try await client.upload(
        .file(file), to: url,
        options: Self.overHTTP {
          $0.computesDigest = true
          $0.name = StreamName(label: "a file.bin")
        })
      #expect(try stored(ofFile, gateway.folder) == bytes)
      #expect(ofFile.key.url != nil && ofFile.digest != nil && ofFile.connections == 1 && ofFile.sent == 2_500_000)
      let sequence = try await client.upload(.sequence(pieces(of: bytes, 77_777)), to: url, options: Self.overHTTP())
      #expect(try stored(sequence, gateway.folder) == bytes && sequence.bytes == 2_500_000)
      let empty = try await client.upload(.bytes(ByteBuffer()), to: url, options: Self.overHTTP())
      #expect(try stored(empty, gateway.folder).readableBytes == 0)
      let records = try gateway.folder.expectSoundQuota(route: "/upload-file")
      #expect(Set(records.map(\.facts.label)) == ["a file.bin", nil])
      try await gateway.expectAtRest()
    }
  }

  @Test("where the gateway knows x-stream, that is spoken")
  func choosesXStream() async throws {
    try await withGateway(Self.setup) { gateway in
      let outcome = try await UploadClient.test().upload(
        .bytes(pattern(300_000)), to: try url(gateway.port, "/upload-file/"), options: .quick())
      #expect(outcome.key.stream != nil)
      #expect(try gateway.folder.stored(outcome.key.text) == pattern(300_000))
      try await gateway.expectAtRest()
    }
  }

  @Test("an upload goes on after each cut, from a file and from what can be read once", arguments: [false, true])
  func cuts(isSequence: Bool) async throws {
    try await withGateway(Self.setup) { gateway in
      let bytes = pattern(12 << 20)
      let proxy = try await CuttingProxy.start(to: gateway.running.address, cuts: 8, after: (100 << 10)...(1 << 20))
      let client = try UploadClient.test()
      let file = try gateway.folder.write("file", Data(bytes))
      let source = isSequence ? UploadSource.sequence(pieces(of: bytes, 100_000)) : .file(file)
      let outcome = try await client.upload(source, to: try url(proxy.port), options: Self.overHTTP())
      #expect(try stored(outcome, gateway.folder) == bytes)
      #expect(proxy.cutsLeft == 0 && outcome.connections > 8)
      try await proxy.stop()
      try await gateway.expectAtRest(unfinished: nil)
    }
  }

  @Test("an upload survives SIGKILL of its gateway, again and again")
  func killed() async throws {
    var setup = Self.setup
    // No upload is over before its gateway is killed.
    setup.routes = GatewaySetup.plainRoute("limits: {bandwidth: 8 MiB/s}")
    try await withGatewayProcess(setup) { gateway in
      let (client, bytes) = (try UploadClient.test(), pattern(24 << 20))
      let safe = Mutex<Int64>(0)
      let url = try url(gateway.port)
      let upload = Task {
        try await client.upload(.bytes(bytes), to: url, options: Self.overHTTP()) { event in
          if case .progress(let progress) = event { safe.withLock { $0 = max($0, progress.safe) } }
        }
      }
      for end in [4 << 20, 12 << 20] as [Int64] {
        // It goes on: the gateway tells each second how far it is.
        #expect(await eventually { safe.withLock { $0 } >= end })
        await gateway.kill()
        try await gateway.start()
      }
      let outcome = try await upload.value
      #expect(try stored(outcome, gateway.folder) == bytes)
      #expect(outcome.connections > 2 && outcome.sent < 48 << 20)
      try gateway.folder.expectSound(unfinished: 0)
    }
  }

  @Test("a token says whose an upload is; without one there is a word about it, and no byte is sent")
  func tokens() async throws {
    var setup = Self.setup
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens}")
    try await withGateway(setup) { gateway in
      let (url, bytes) = (try url(gateway.port), pattern(100_000))
      let alice = try UploadClient.test(token: Token.alice.secret)
      let outcome = try await alice.upload(.bytes(bytes), to: url, options: Self.overHTTP())
      #expect(try stored(outcome, gateway.folder) == bytes)
      #expect(try await alice.ask(outcome.key, total: nil, at: url).isComplete)
      let bob = try UploadClient.test(token: Token.bob.secret)
      let asked = await failure { try await bob.ask(outcome.key, total: nil, at: url) }
      #expect(asked?.status == .unknownKey)
      for client in [try UploadClient.test(), try .test(token: "not-a-token-of-anybody")] {
        let refused = await failure { try await client.upload(.bytes(bytes), to: url, options: Self.overHTTP()) }
        #expect(refused?.status == .unauthorized && refused?.httpStatus == 401, "\(String(describing: refused))")
        #expect(refused?.isWorthAnotherTry == false)
      }
      try await gateway.expectAtRest(client: alice)
    }
  }

  @Test("what is too large is refused before a byte is sent, and what has another digest is not kept")
  func refused() async throws {
    var setup = Self.setup
    setup.routes = GatewaySetup.plainRoute("limits: {upload: 1 MiB}")
    try await withGateway(setup) { gateway in
      let (client, url) = (try UploadClient.test(), try url(gateway.port))
      let large = await failure {
        try await client.upload(.bytes(pattern(2 << 20)), to: url, options: Self.overHTTP())
      }
      #expect(
        large?.status == .tooLarge && large?.description.contains("1048576") == true, "\(String(describing: large))")
      let other = await failure {
        try await client.upload(
          .bytes(pattern(1000)), to: url,
          options: Self.overHTTP { $0.digest = StreamDigest(bytes: Array(repeating: 7, count: 32)) })
      }
      #expect(other?.status == .digest, "\(String(describing: other))")
      try await gateway.expectAtRest()
    }
  }
}

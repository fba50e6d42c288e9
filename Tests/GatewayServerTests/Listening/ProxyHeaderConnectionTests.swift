import Foundation
import NIOCore
import Testing
import XStreamClient

/// Connections that come through a proxy, and such as pretend to.
@Suite(.timeLimit(.minutes(1))) struct ProxyHeaderConnectionTests {
  private func setup(trusting range: String) -> GatewaySetup {
    var setup = GatewaySetup()
    setup.listen = "{address: \"127.0.0.1:PORT\", proxy-from: [\"\(range)\"]}"
    setup.routes = GatewaySetup.plainRoute("access: anyone")
    return setup
  }

  private static let text = Array("PROXY TCP4 203.0.113.7 127.0.0.1 4711 8443\r\n".utf8)
  private static let binary: [UInt8] = [
    0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12, 203, 0, 113, 7, 127, 0, 0,
    1,
    0x12, 0x67, 0x20, 0xfb,
  ]

  @Test("the client is where a trusted proxy says", arguments: [text, binary])
  func trusted(_ header: [UInt8]) async throws {
    try await withGateway(setup(trusting: "127.0.0.0/8")) { gateway in
      let client = try await RawClient.connect(gateway.port, behind: ByteBuffer(bytes: header))
      try await client.open(total: "4")
      #expect(await client.packet()?["x-stream-key"] != nil)
      try await client.send("1234")
      #expect(await client.answer()?.headers["status"] == "0")
      #expect(gateway.log.lines("Connection secured").map { $0.metadata["peer"] } == ["203.0.113.7"])
    }
  }

  @Test("a header from an address that is not trusted ends the connection, and without one it is served")
  func untrusted() async throws {
    try await withGateway(setup(trusting: "192.0.2.0/24")) { gateway in
      let liar = try await RawClient.connect(
        gateway.port, behind: ByteBuffer(string: "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n"))
      #expect(await liar.end() == .cut)
      #expect(
        gateway.log.lines("Connection refused").map { $0.metadata["reason"] }
          == ["a PROXY header from an address that is not trusted"])
      _ = try await UploadClient.test().upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
    }
  }

  @Test("a trusted proxy that sends no header is refused: who is behind it is not known")
  func missing() async throws {
    try await withGateway(setup(trusting: "127.0.0.1")) { gateway in
      let client = try await RawClient.connect(gateway.port)
      #expect(await client.end() == .cut)
      #expect(gateway.log.lines("Connection refused").count == 1)
    }
  }
}

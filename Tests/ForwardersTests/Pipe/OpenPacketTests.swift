import GatewayCore
import NIOCore
import Testing
import XStream

@testable import Forwarders

@Suite("The packet that a pipe announces an upload with")
struct OpenPacketTests {
  private let key = UploadKey.mint()
  private let digest = ContentDigest(bytes: [UInt8](repeating: 7, count: 32))
  private let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

  private func text(_ upload: SinkUpload) throws -> String { String(buffer: try OpenPacket.bytes(for: upload)) }

  @Test("has the headers of an open in their order, and the gateway's key last")
  func everything() throws {
    var upload = SinkUpload(
      key: key, total: 5000, digest: digest, route: "/in", format: .json, label: "a b.json",
      client: .token(name: "backup"))
    upload.transfer = TransferTerms(buffer: 65_536, acknowledgeEvery: 1000, traceparent: trace)
    #expect(
      try text(upload) == """
        headers:
            route: /in
            data-format: json
            x-stream: 5000:65536
            x-stream-ack: 1000
            x-stream-digest: sha-256=:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=:
            x-stream-name: a%20b.json
            traceparent: \(trace)
            x-stream-key: \(key.text)
        payload: -

        """)
  }

  @Test("leaves out what is not known, and is read as the open that it is")
  func least() throws {
    var upload = SinkUpload(key: key, total: nil, route: "/in")
    // Of an upload of no bytes that came as a payload.
    upload.transfer = TransferTerms(buffer: 0)
    #expect(
      try text(upload) == """
        headers:
            route: /in
            data-format: bytes
            x-stream: *:1
            x-stream-key: \(key.text)
        payload: -

        """)
  }

  @Test("is none where x-stream could not carry what it would say")
  func impossible() {
    let upload = SinkUpload(key: key, total: 1, route: "in", label: "x")
    #expect(throws: RequestError.self) { try OpenPacket.bytes(for: upload) }
  }
}

import NIOCore
import TLSTransport

/// A client's and a server's session, joined without a network.
final class SessionPair {
  let client: TLSSession
  let server: TLSSession
  private(set) var atClient = End()
  private(set) var atServer = End()

  /// What one side saw.
  struct End {
    var plaintext: [UInt8] = []
    var closeNotify = false
    var failure: TLSError?
    var text: String { String(decoding: plaintext, as: UTF8.self) }
  }

  init(client: TLSContext, server: TLSContext, serverName: String? = "localhost") throws {
    self.client = try TLSSession(context: client, serverName: serverName)
    self.server = try TLSSession(context: server)
  }

  /// Begins the handshake and carries it through as far as it goes.
  func handshake(chunk: () -> Int = { .max }) throws {
    try client.startHandshake()
    try server.startHandshake()
    pump(chunk: chunk)
  }

  /// Carries ciphertext to and fro until there is none, in portions of the sizes that `chunk` says.
  func pump(chunk: () -> Int = { .max }) {
    while true {
      let there = deliver(client.takeOutput(), to: server, &atServer, chunk)
      let back = deliver(server.takeOutput(), to: client, &atClient, chunk)
      if !there && !back { return }
    }
  }

  /// Hands ciphertext to the server alone.
  func deliverToServer(_ bytes: ByteBuffer) {
    _ = deliver(bytes, to: server, &atServer, { .max })
  }

  private func deliver(_ bytes: ByteBuffer?, to session: TLSSession, _ end: inout End, _ chunk: () -> Int) -> Bool {
    guard var bytes else { return false }
    while let part = bytes.readSlice(length: min(bytes.readableBytes, max(1, chunk()))), part.readableBytes > 0 {
      var plaintext = ByteBuffer()
      let received = part.withUnsafeReadableBytes { session.receive($0, into: &plaintext) }
      end.plaintext += plaintext.readableBytesView
      end.closeNotify = end.closeNotify || received.closeNotify
      end.failure = end.failure ?? received.failure
    }
    return true
  }
}

extension TLSSession {
  /// Encrypts all of a text.
  func send(_ text: String) throws {
    try send(Array(text.utf8))
  }

  /// Encrypts all of some bytes.
  func send(_ bytes: [UInt8]) throws {
    let taken = try bytes.withUnsafeBytes { try encrypt($0) }
    precondition(taken == bytes.count)
  }
}

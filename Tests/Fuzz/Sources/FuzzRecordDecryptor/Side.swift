import COpenSSL
import NIOCore

@testable import TLSTransport

#if canImport(Glibc)
  import Glibc
#endif

/// The secret of the handshake that goes on; one thread does one after the other.
private nonisolated(unsafe) var toldSecret: TrafficSecret?

/// One server with its client, and the keys of what the client would send.
final class Side {
  /// The folder with the server's certificate, which `run.sh` makes.
  static let certificates = getenv("SLUICE_FUZZ_CERTIFICATES").map { String(cString: $0) } ?? "certificates"

  /// What has become of the bytes so far.
  struct Outcome: Equatable, CustomStringConvertible {
    var plaintext: [UInt8] = []
    var hasEnded = false
    /// The client's words for what it was sent, an alert among it.
    var alert: String?
    var hasFailed = false

    var isOver: Bool { hasEnded || hasFailed }
    var description: String {
      "\(plaintext.count) bytes \(plaintext.suffix(8)), \(hasEnded ? "ended, " : "")"
        + "\(hasFailed ? "failed, " : "")client: \(alert ?? "nothing")"
    }
  }

  private(set) var outcome = Outcome()
  private(set) var isFlooded = false
  private let client: TLSSession
  private let server: TLSSession
  private let suite: OpaquePointer
  private var secret: TrafficSecret
  private var key: [UInt8] = []
  private var nonce: [UInt8] = []
  private var sequenceNumber: UInt64 = 0

  /// Does the handshake.
  ///
  /// - Parameter suite: 0 to 2, the ciphers of TLS 1.3.
  init?(suite number: Int, byLibrary: Bool) {
    let context = byLibrary ? Self.theirs : Self.ours
    guard let client = try? TLSSession(context: Self.clients[number]), let server = try? TLSSession(context: context)
    else {
      return nil
    }
    toldSecret = nil
    do { try client.startHandshake() } catch { return nil }
    for _ in 0..<3 {
      Self.carry(client, to: server)
      Self.carry(server, to: client)
    }
    guard client.isHandshakeComplete, server.isHandshakeComplete, let secret = toldSecret,
      let suite = SSL_get_current_cipher(server.handle)
    else { return nil }
    precondition((server.decryptor == nil) == byLibrary, "the wrong one decrypts the records")
    (self.client, self.server, self.secret, self.suite) = (client, server, secret, suite)
    useSecret()
  }

  private static func carry(_ source: TLSSession, to target: TLSSession) {
    var plaintext = ByteBuffer()
    _ = source.takeOutput()?.withUnsafeReadableBytes { target.receive($0, into: &plaintext) }
  }

  // What is sent

  func take(_ step: RecordStep, in portions: [Int]) {
    var ciphertext: [UInt8] = []
    switch step {
    case .record(let content, let type, let padding, let turned):
      ciphertext = seal(content + [type] + [UInt8](repeating: 0, count: padding))
      for bit in turned { ciphertext[bit / 8 % ciphertext.count] ^= 1 << UInt8(bit % 8) }
    case .blank(let count):
      ciphertext = seal([UInt8](repeating: 0, count: count))
    case .many(let count):
      for number in 0..<count {
        ciphertext += seal([UInt8](repeating: UInt8(number), count: 1 << 14) + [23])
      }
    case .keyUpdate(let request):
      ciphertext = seal([24, 0, 0, 1, request, 22])
      advanceKeys()
    case .message(let message, let sizes):
      var rest = message[...]
      for size in sizes + [message.count] where !rest.isEmpty {
        ciphertext += seal(rest.prefix(size) + [22])
        rest = rest.dropFirst(size)
      }
      if message.count == 5, message.starts(with: [24, 0, 0, 1]), message[4] < 2 { advanceKeys() }
    case .plain(let bytes):
      ciphertext = bytes
    }
    deliver(ciphertext, in: portions)
  }

  private func deliver(_ ciphertext: [UInt8], in portions: [Int]) {
    var rest = ciphertext[...]
    for portion in portions + [ciphertext.count] where !rest.isEmpty && !outcome.isOver {
      let part = Array(rest.prefix(max(1, portion)))
      rest = rest.dropFirst(part.count)
      var plaintext = ByteBuffer()
      let received = part.withUnsafeBytes { server.receive($0, into: &plaintext) }
      outcome.plaintext += plaintext.readableBytesView
      outcome.hasEnded = outcome.hasEnded || received.closeNotify
      if let failure = received.failure {
        outcome.hasFailed = true
        if case .flooded = failure { isFlooded = true }
      }
    }
    // The answer to a key update comes now or with the next bytes of the server; an alert comes at once.
    guard outcome.isOver, let answer = server.takeOutput() else { return }
    var plaintext = ByteBuffer()
    let heard = answer.withUnsafeReadableBytes { client.receive($0, into: &plaintext) }
    outcome.alert = heard.failure.map { "\($0)" } ?? (heard.closeNotify ? "close_notify" : nil)
  }

  // Keys

  private func advanceKeys() {
    guard let digest = SSL_CIPHER_get_handshake_digest(suite), let next = secret.next(digest: digest) else { return }
    secret = next
    useSecret()
  }

  private func useSecret() {
    guard let digest = SSL_CIPHER_get_handshake_digest(suite) else { return }
    key = [UInt8](repeating: 0, count: SSL_CIPHER_get_protocol_id(suite) == 0x1301 ? 16 : 32)
    nonce = [UInt8](repeating: 0, count: 12)
    let isDerived = key.withUnsafeMutableBytes { key in
      nonce.withUnsafeMutableBytes { secret.deriveKey(key, nonce: $0, digest: digest) }
    }
    precondition(isDerived)
    sequenceNumber = 0
  }

  private func seal(_ inner: some Collection<UInt8>) -> [UInt8] {
    let inner = Array(inner)
    var nonce = nonce
    for place in 0..<8 { nonce[11 - place] ^= UInt8(truncatingIfNeeded: sequenceNumber >> UInt64(8 * place)) }
    sequenceNumber += 1
    let size = inner.count + 16
    let header: [UInt8] = [23, 3, 3, UInt8(truncatingIfNeeded: size >> 8), UInt8(size & 0xff)]
    let cipher = EVP_CIPHER_CTX_new()
    defer { EVP_CIPHER_CTX_free(cipher) }
    let kind = [0x1301: EVP_aes_128_gcm(), 0x1302: EVP_aes_256_gcm()][Int(SSL_CIPHER_get_protocol_id(suite))]
    var body = [UInt8](repeating: 0, count: inner.count)
    var tag = [UInt8](repeating: 0, count: 16)
    var count: CInt = 0
    precondition(EVP_EncryptInit_ex(cipher, kind ?? EVP_chacha20_poly1305(), nil, key, nonce) == 1)
    precondition(EVP_EncryptUpdate(cipher, nil, &count, header, 5) == 1)
    if !inner.isEmpty { precondition(EVP_EncryptUpdate(cipher, &body, &count, inner, CInt(inner.count)) == 1) }
    precondition(EVP_EncryptFinal_ex(cipher, &tag, &count) == 1)
    precondition(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1)
    return header + body + tag
  }

  // Contexts

  private static let ours = serverContext { handle, line in
    TLSSession.keyLogCallback(handle, line)
    note(line)
  }
  private static let theirs = serverContext { _, line in note(line) }

  private static func note(_ line: UnsafePointer<CChar>?) {
    if let line, let secret = TrafficSecret(keyLogLine: line) { toldSecret = secret }
  }

  private static func serverContext(
    _ callback: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Void
  ) -> TLSContext {
    let configuration = TLSServerConfiguration(
      certificateChainFile: "\(certificates)/server.pem", privateKeyFile: "\(certificates)/server.key")
    guard let context = try? TLSContext(server: configuration) else {
      preconditionFailure("no \(certificates)/server.pem")
    }
    SSL_CTX_set_keylog_callback(context.handle, callback)
    return context
  }

  private static let clients: [TLSContext] = [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
  ].map { suite in
    guard let context = try? TLSContext(client: TLSClientConfiguration(trust: .insecureNoVerification)) else {
      preconditionFailure("no client")
    }
    precondition(SSL_CTX_set_ciphersuites(context.handle, suite) == 1)
    return context
  }
}

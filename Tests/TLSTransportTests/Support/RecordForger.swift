import COpenSSL
import NIOCore
import Testing

@testable import TLSTransport

/// Makes records of TLS 1.3 with AES-128-GCM that OpenSSL would not send, in place of a client whose session sends
/// nothing itself.
struct RecordForger {
  private let key: [UInt8]
  private let nonce: [UInt8]
  private var sequenceNumber: UInt64 = 0

  /// - Parameter server: whose handshake is complete.
  init(for server: TLSSession) throws {
    let secret = try #require(server.decryptor?.secret)
    let digest = try #require(SSL_CIPHER_get_handshake_digest(SSL_get_current_cipher(server.handle)))
    var key = [UInt8](repeating: 0, count: 16)
    var nonce = [UInt8](repeating: 0, count: 12)
    let isDerived = key.withUnsafeMutableBytes { key in
      nonce.withUnsafeMutableBytes { secret.deriveKey(key, nonce: $0, digest: digest) }
    }
    try #require(isDerived)
    (self.key, self.nonce) = (key, nonce)
  }

  /// - Parameter inner: content, type and padding.
  mutating func seal(_ inner: [UInt8]) throws -> ByteBuffer {
    var nonce = nonce
    for place in 0..<8 { nonce[11 - place] ^= UInt8(truncatingIfNeeded: sequenceNumber >> UInt64(8 * place)) }
    sequenceNumber += 1
    let size = inner.count + 16
    let header: [UInt8] = [23, 3, 3, UInt8(size >> 8), UInt8(size & 0xff)]
    let cipher = try #require(EVP_CIPHER_CTX_new())
    defer { EVP_CIPHER_CTX_free(cipher) }
    var body = [UInt8](repeating: 0, count: inner.count)
    var tag = [UInt8](repeating: 0, count: 16)
    var count: CInt = 0
    try #require(EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), nil, key, nonce) == 1)
    try #require(EVP_EncryptUpdate(cipher, nil, &count, header, 5) == 1)
    try #require(EVP_EncryptUpdate(cipher, &body, &count, inner, CInt(inner.count)) == 1)
    try #require(EVP_EncryptFinal_ex(cipher, &tag, &count) == 1)
    try #require(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1)
    return ByteBuffer(bytes: header + body + tag)
  }
}

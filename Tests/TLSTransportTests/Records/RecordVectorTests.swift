import COpenSSL
import Foundation
import NIOCore
import Testing

@testable import TLSTransport

#if IPSecMB
  import CIPSecMB
#endif

/// The standards' own examples, for each of the ciphers' implementations, and what is made of them by changing a bit.
@Suite struct RecordVectorTests {
  /// One example: what is encrypted by which key, and what comes out.
  struct Vector: Sendable, CustomTestStringConvertible {
    var name: String
    var cipher: String
    var key: [UInt8]
    var nonce: [UInt8]
    var additional: [UInt8]
    var plaintext: [UInt8]
    /// The tag stands at its end.
    var ciphertext: [UInt8]

    init(
      _ name: String, _ cipher: String, key: String, nonce: String, additional: String = "", plaintext: String,
      ciphertext: String
    ) {
      (self.name, self.cipher) = (name, cipher)
      self.key = bytes(key)
      self.nonce = bytes(nonce)
      self.additional = bytes(additional)
      self.plaintext = bytes(plaintext)
      self.ciphertext = bytes(ciphertext)
    }

    var testDescription: String { name }
  }

  /// Who decrypts.
  enum Implementation: CaseIterable, Sendable {
    case openSSL, vector

    var isHere: Bool {
      #if IPSecMB
        self == .openSSL || VectorCipher.isAvailable
      #else
        self == .openSSL
      #endif
    }
  }

  private static let text = """
    d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39
    """
  private static let moreText = text + "1aafd255"
  private static let key = "feffe9928665731c6d6a8f9467308308"
  private static let nonce = "cafebabefacedbaddecaf888"
  private static let additional = "feedfacedeadbeeffeedfacedeadbeefabaddad2"

  /// From "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B, which NIST SP 800-38D rests on; RFC 8439,
  /// section 2.8.2.
  static let examples = [
    Vector(
      "GCM 1", "AES-128-GCM", key: zeros(16), nonce: zeros(12), plaintext: "",
      ciphertext: "58e2fccefa7e3061367f1d57a4e7455a"),
    Vector(
      "GCM 2", "AES-128-GCM", key: zeros(16), nonce: zeros(12), plaintext: zeros(16),
      ciphertext: "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf"),
    Vector(
      "GCM 3", "AES-128-GCM", key: key, nonce: nonce, plaintext: moreText,
      ciphertext: """
        42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
        473f59854d5c2af327cd64a62cf35abd2ba6fab4
        """),
    Vector(
      "GCM 4", "AES-128-GCM", key: key, nonce: nonce, additional: additional, plaintext: text,
      ciphertext: """
        42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
        5bc94fbc3221a5db94fae95ae7121a47
        """),
    Vector(
      "GCM 13", "AES-256-GCM", key: zeros(32), nonce: zeros(12), plaintext: "",
      ciphertext: "530f8afbc74536b9a963b4f1c4cb738b"),
    Vector(
      "GCM 14", "AES-256-GCM", key: zeros(32), nonce: zeros(12), plaintext: zeros(16),
      ciphertext: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    Vector(
      "GCM 16", "AES-256-GCM", key: key + key, nonce: nonce, additional: additional, plaintext: text,
      ciphertext: """
        522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
        76fc6ece0f4e1768cddf8853bb2d551b
        """),
    Vector(
      "RFC 8439", "ChaCha20-Poly1305", key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
      nonce: "070000004041424344454647", additional: "50515253c0c1c2c3c4c5c6c7",
      plaintext: """
        4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a204966204920636f756c64206f6666657220796f
        75206f6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73637265656e20776f756c642062652069742e
        """,
      ciphertext: """
        d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67e
        cd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a
        7e902ecbd0600691
        """),
  ]

  @Test("this machine's processor decides whether there are vector instructions, and nothing else")
  func processor() throws {
    #if IPSecMB
      let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
      #expect(VectorCipher.isAvailable == (flags.contains(" vaes") && flags.contains(" vpclmulqdq")))
      #expect((TLSLibrary.wantOfVectors == nil) == VectorCipher.isAvailable)
    #else
      #expect(TLSLibrary.wantOfVectors != nil)
    #endif
  }

  @Test("the standards' examples are decrypted, and none with a bit changed in any place", arguments: examples)
  func example(vector: Vector) throws {
    for implementation in Implementation.allCases where implementation.isHere {
      guard implementation == .openSSL || vector.cipher != "ChaCha20-Poly1305" else { continue }
      #expect(try open(vector, by: implementation) == vector.plaintext, "\(implementation)")
      for bit in 0..<(8 * vector.ciphertext.count) {
        var changed = vector
        changed.ciphertext[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(try open(changed, by: implementation) == nil, "\(implementation), bit \(bit)")
      }
      for place in vector.additional.indices {
        var changed = vector
        changed.additional[place] ^= 0x80
        #expect(try open(changed, by: implementation) == nil, "\(implementation), header \(place)")
      }
      for place in vector.nonce.indices {
        var changed = vector
        changed.nonce[place] ^= 1
        #expect(try open(changed, by: implementation) == nil, "\(implementation), nonce \(place)")
      }
    }
  }

  @Test(
    "both implementations agree on every length up to a block of blocks, and on records",
    arguments: ["AES-128-GCM", "AES-256-GCM"])
  func agreement(cipher: String) throws {
    let keySize = cipher == "AES-128-GCM" ? 16 : 32
    for count in Array(0...300) + [1023, 1024, 1025, 16_383, 16_384, 16_385] {
      var vector = Vector("", cipher, key: "", nonce: "", plaintext: "", ciphertext: "")
      vector.key = (0..<keySize).map { UInt8(truncatingIfNeeded: $0 * 7 + count) }
      vector.nonce = (0..<12).map { UInt8(truncatingIfNeeded: $0 * 5 + count) }
      vector.additional = [23, 3, 3, UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
      vector.plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      vector.ciphertext = try seal(vector)
      for implementation in Implementation.allCases where implementation.isHere {
        #expect(try open(vector, by: implementation) == vector.plaintext, "\(implementation), \(count) bytes")
        vector.ciphertext[vector.ciphertext.count - 1] ^= 1
        #expect(try open(vector, by: implementation) == nil, "\(implementation), \(count) bytes")
        vector.ciphertext[vector.ciphertext.count - 1] ^= 1
      }
    }
  }

  /// RFC 8448, section 3: the client's application data, and its `close_notify`.
  @Test("the records of RFC 8448 are opened with the keys that come of its secret")
  func trace() throws {
    let decryptor = try decryptor()
    var plaintext = ByteBuffer()
    let data = bytes(
      """
      1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e
      3deae63aeebb21694915e4
      """)
    let opened = data.withUnsafeBytes { decryptor.open($0, into: &plaintext) }
    #expect(opened.end == nil)
    #expect(Array(plaintext.readableBytesView) == Array(0...0x31))
    let alert = bytes("1703030013c9872760655666b74d7ff1153efd6db6d0b0e3")
    let ended = alert.withUnsafeBytes { decryptor.open($0, into: &plaintext) }
    guard case .closeNotify? = ended.end else {
      Issue.record("\(String(describing: ended.end))")
      return
    }
    #expect(decryptor.path == .direct)
  }

  @Test(
    "a connection that brings much goes over to the vector instructions, and says so", arguments: ["AES128", "AES256"])
  func path(cipher: String) throws {
    let client = try Certificates.ours.clientContext()
    let suite = cipher == "AES128" ? "TLS_AES_128_GCM_SHA256" : "TLS_AES_256_GCM_SHA384"
    try #require(SSL_CTX_set_ciphersuites(client.handle, suite) == 1)
    let pair = try SessionPair(client: client, server: Certificates.ours.serverContext())
    try pair.handshake()
    #expect(pair.server.recordPath == .direct)
    try pair.client.send([UInt8](repeating: 1, count: RecordDecryptor.vectorFrom + 40_000))
    pair.pump()
    #expect(pair.server.recordPath == (Implementation.vector.isHere ? .vector : .direct))
    try pair.client.send([UInt8](repeating: 2, count: 40_000))
    pair.pump()
    #expect(pair.atServer.plaintext.suffix(40_000) == [UInt8](repeating: 2, count: 40_000)[...])
  }

  private func decryptor() throws -> RecordDecryptor {
    let pair = try SessionPair(client: Certificates.ours.clientContext(), server: Certificates.ours.serverContext())
    try pair.handshake()
    let suite = try #require(SSL_get_current_cipher(pair.server.handle))
    try #require(SSL_CIPHER_get_protocol_id(suite) == 0x1301)
    let secret = TrafficSecret(bytes("9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5"))
    return try #require(RecordDecryptor(suite: suite, secret: secret))
  }

  /// The plaintext; nil where the tag is wrong.
  private func open(_ vector: Vector, by implementation: Implementation) throws -> [UInt8]? {
    let count = vector.ciphertext.count - 16
    var target = [UInt8](repeating: 0xaa, count: max(1, count))
    let isRight: Bool
    switch implementation {
    case .openSSL:
      let context = try #require(EVP_CIPHER_CTX_new())
      defer { EVP_CIPHER_CTX_free(context) }
      let cipher = try #require(EVP_CIPHER_fetch(nil, vector.cipher, nil))
      defer { EVP_CIPHER_free(cipher) }
      try #require(EVP_DecryptInit_ex(context, cipher, nil, vector.key, nil) == 1)
      isRight =
        shim_open_record(
          context, vector.nonce, vector.additional, CInt(vector.additional.count), vector.ciphertext, CInt(count),
          &target)
        == 1
    case .vector:
      #if IPSecMB
        let cipher = try #require(vector.key.withUnsafeBytes { VectorCipher(key: $0) })
        isRight = target.withUnsafeMutableBufferPointer { target in
          guard let start = target.baseAddress else { return false }
          return vector.nonce.withUnsafeBufferPointer { nonce in
            (vector.additional + [0]).withUnsafeBufferPointer { additional in
              vector.ciphertext.withUnsafeBufferPointer { body in
                guard let nonce = nonce.baseAddress, let header = additional.baseAddress, let body = body.baseAddress
                else { return false }
                return cipher.open(
                  nonce: nonce, header: header, headerSize: vector.additional.count, body: body, count: count,
                  target: start)
              }
            }
          }
        }
      #else
        isRight = false
      #endif
    }
    return isRight ? Array(target.prefix(count)) : nil
  }

  private func seal(_ vector: Vector) throws -> [UInt8] {
    let context = try #require(EVP_CIPHER_CTX_new())
    defer { EVP_CIPHER_CTX_free(context) }
    let cipher = try #require(EVP_CIPHER_fetch(nil, vector.cipher, nil))
    defer { EVP_CIPHER_free(cipher) }
    var target = [UInt8](repeating: 0, count: vector.plaintext.count + 16)
    let isSealed = shim_seal_record(
      context, cipher, vector.key, vector.nonce, vector.additional, CInt(vector.additional.count), vector.plaintext,
      CInt(vector.plaintext.count), &target)
    try #require(isSealed == 1)
    return target
  }
}

private func zeros(_ count: Int) -> String { String(repeating: "00", count: count) }

private func bytes(_ hex: String) -> [UInt8] {
  let digits = hex.filter { $0.isHexDigit }
  return stride(from: 0, to: digits.count, by: 2).compactMap { place in
    let start = digits.index(digits.startIndex, offsetBy: place)
    return UInt8(digits[start..<digits.index(start, offsetBy: 2)], radix: 16)
  }
}

internal import COpenSSL
internal import NIOCore

/// Decrypts the records that a server receives over TLS 1.3 once the handshake is complete (RFC 8446, section 5),
/// straight from the buffer of the read into the buffer of the plaintext.
///
/// libssl would copy each record twice, in and out of a buffer of its own. The handshake, all that is sent, and the
/// alerts that answer a violation are libssl's.
final class RecordDecryptor {
  /// What the peer did wrong.
  enum Violation {
    /// A record whose tag is wrong.
    case authentication
    /// A record longer than any may be.
    case overflow
    /// A record of a version that is none of TLS.
    case version
    /// A message that has a value which does not exist.
    case illegalParameter
    /// A message that is longer or shorter than its kind is.
    case decoding
    /// Any other record or message that is not allowed here.
    case unexpected
    /// Record after record that brings nothing.
    case flood
  }

  /// Why nothing more is read.
  enum End {
    case closeNotify
    case alert(code: UInt8)
    case violation(Violation)
    /// OpenSSL has no memory.
    case library
  }

  /// What some ciphertext led to.
  struct Opened {
    var plaintextByteCount = 0
    /// The peer wants this side's keys to be updated as well.
    var isKeyUpdateWanted = false
    /// Faster instructions took over.
    var hasChangedCipher = false
    var end: End?
  }

  private static let headerSize = 5
  private static let tagSize = 16
  /// RFC 8446, section 5.2.
  private static let largestBody = 1 << 14 + 256

  /// A connection that brings so many bytes is worth the memory of a faster cipher.
  static let vectorFrom = 128 << 10

  private let cipher: OpaquePointer
  #if IPSecMB
    private var vectorCipher: VectorCipher?
    private var bytesBeforeVector = vectorFrom
  #endif
  private let digest: OpaquePointer
  private let keySize: Int
  /// Whether the cipher is one that ``VectorCipher`` knows.
  private let hasVectorKey: Bool
  /// The most content of a record, in bytes: less than RFC 8446 allows where a client asked for that (RFC 6066, section
  /// 4).
  private let fragmentLimit: Int
  private(set) var secret: TrafficSecret
  /// The secret of the first record's keys, which libssl keeps to the end.
  private let firstSecret: TrafficSecret
  private var staticNonce: (UInt32, UInt64) = (0, 0)
  private var sequenceNumber: UInt64 = 0
  private var allowance = IdleAllowance()
  private var message = KeyUpdateReader()
  /// The beginning of a record whose rest has not come yet.
  private var partial = ByteBuffer()

  /// - Parameter handle: an `SSL` whose handshake is complete, and that has read nothing after it.
  /// - Returns: `nil` for what libssl has to do: earlier versions, and ciphers that this does not know.
  convenience init?(_ handle: OpaquePointer, secret: TrafficSecret) {
    guard SSL_version(handle) == TLS1_3_VERSION, SSL_has_pending(handle) == 0 else { return nil }
    guard let suite = SSL_get_current_cipher(handle) else { return nil }
    let lengthCode = SSL_get_session(handle).map { SSL_SESSION_get_max_fragment_length($0) } ?? 0
    self.init(suite: suite, secret: secret, fragmentLimit: Self.fragmentLimit(code: lengthCode))
  }

  /// For tests: a decryptor without a connection.
  ///
  /// - Parameters:
  ///   - suite: an `SSL_CIPHER` of TLS 1.3.
  ///   - fragmentLimit: the most content of a record, in bytes.
  /// - Returns: `nil` for a cipher that this does not know.
  init?(suite: OpaquePointer, secret: TrafficSecret, fragmentLimit: Int = TLSSession.recordSize) {
    guard let known = Self.cipher(of: suite), let digest = SSL_CIPHER_get_handshake_digest(suite),
      let context = EVP_CIPHER_CTX_new()
    else { return nil }
    cipher = context
    self.digest = digest
    self.secret = secret
    firstSecret = secret
    self.fragmentLimit = fragmentLimit
    keySize = Int(EVP_CIPHER_get_key_length(known))
    hasVectorKey = EVP_CIPHER_get_mode(known) == EVP_CIPH_GCM_MODE
    guard EVP_DecryptInit_ex(context, known, nil, nil, nil) == 1, useSecret() else {
      EVP_CIPHER_CTX_free(context)
      return nil
    }
  }

  deinit {
    EVP_CIPHER_CTX_free(cipher)
  }

  /// Which cipher decrypts now.
  var path: TLSRecordPath {
    #if IPSecMB
      if vectorCipher != nil { return .vector }
    #endif
    return .direct
  }

  /// Opens all whole records, and keeps the beginning of one that is not whole. After an ``Opened/end`` it must not be
  /// called again.
  func open(_ ciphertext: UnsafeRawBufferPointer, into plaintext: inout ByteBuffer) -> Opened {
    var opened = Opened()
    var rest = ciphertext[...]
    if partial.readableBytes > 0 {
      complete(from: &rest)
      guard partial.readableBytes >= Self.headerSize else { return opened }
      let isWhole = partial.withUnsafeReadableBytes { record in
        guard let size = size(of: record[...], &opened), record.count == size else { return false }
        openRecord(record, into: &plaintext, &opened)
        return true
      }
      guard isWhole, opened.end == nil else { return opened }
      partial = ByteBuffer()
    }
    while rest.count >= Self.headerSize {
      guard let size = size(of: rest, &opened) else { return opened }
      guard rest.count >= size else { break }
      openRecord(UnsafeRawBufferPointer(rebasing: rest.prefix(size)), into: &plaintext, &opened)
      guard opened.end == nil else { return opened }
      rest = rest.dropFirst(size)
    }
    if !rest.isEmpty { partial.writeBytes(rest) }
    return opened
  }

  /// Moves into ``partial`` what it lacks of its record, as far as that has come.
  private func complete(from rest: inout Slice<UnsafeRawBufferPointer>) {
    func take(upTo size: Int) {
      let count = min(max(size - partial.readableBytes, 0), rest.count)
      partial.writeBytes(rest.prefix(count))
      rest = rest.dropFirst(count)
    }
    take(upTo: Self.headerSize)
    guard partial.readableBytes >= Self.headerSize else { return }
    let bodySize = partial.withUnsafeReadableBytes { Int($0[3]) << 8 | Int($0[4]) }
    take(upTo: Self.headerSize + min(bodySize, Self.largestBody))
  }

  /// The size of the record that begins here, header and all.
  private func size(of bytes: Slice<UnsafeRawBufferPointer>, _ opened: inout Opened) -> Int? {
    let start = bytes.startIndex
    let bodySize = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
    guard bytes[start + 1] == 3 else {
      opened.end = .violation(.version)
      return nil
    }
    guard bytes[start] == ContentType.applicationData, bytes[start + 2] == 3 else {
      opened.end = .violation(.unexpected)
      return nil
    }
    guard bodySize <= Self.largestBody else {
      opened.end = .violation(.overflow)
      return nil
    }
    guard bodySize > Self.tagSize else {
      opened.end = .violation(.authentication)
      return nil
    }
    return Self.headerSize + bodySize
  }

  private func openRecord(
    _ record: UnsafeRawBufferPointer, into plaintext: inout ByteBuffer, _ opened: inout Opened
  ) {
    let count = record.count - Self.headerSize - Self.tagSize
    plaintext.reserveCapacity(minimumWritableBytes: count)
    let content = plaintext.withUnsafeMutableWritableBytes { target -> (type: UInt8, count: Int)? in
      guard decrypt(record, count, to: target, &opened) else {
        // Plaintext that was not authenticated must not stay in memory.
        OPENSSL_cleanse(target.baseAddress, min(count, target.count))
        opened.end = .violation(.authentication)
        return nil
      }
      // The content's type is the last byte that is not zero; the zeros after it are padding.
      var end = count
      while end > 0, target[end - 1] == 0 { end -= 1 }
      guard end > 0, ContentType.isKnown(target[end - 1]) else {
        opened.end = .violation(.unexpected)
        return nil
      }
      // Padding and type count too (RFC 8446, section 5.4).
      guard count <= TLSSession.recordSize + 1, end - 1 <= fragmentLimit else {
        opened.end = .violation(.overflow)
        return nil
      }
      if target[end - 1] != ContentType.applicationData || message.isUnfinished {
        take(target[end - 1], UnsafeRawBufferPointer(rebasing: target[..<(end - 1)]), &opened)
      }
      return (target[end - 1], end - 1)
    }
    guard let content, opened.end == nil else { return }
    guard content.type == ContentType.applicationData, content.count > 0 else {
      if !allowance.spend() { opened.end = .violation(.flood) }
      return
    }
    allowance.earn(content.count)
    plaintext.moveWriterIndex(forwardBy: content.count)
    opened.plaintextByteCount += content.count
  }

  private func decrypt(
    _ record: UnsafeRawBufferPointer, _ count: Int, to target: UnsafeMutableRawBufferPointer, _ opened: inout Opened
  ) -> Bool {
    var nonce = (staticNonce.0, staticNonce.1 ^ sequenceNumber.bigEndian)
    // A connection that sends a record each nanosecond needs 584 years for this to overflow.
    sequenceNumber += 1
    guard let header = record.baseAddress?.assumingMemoryBound(to: UInt8.self),
      let output = target.baseAddress?.assumingMemoryBound(to: UInt8.self)
    else { return false }
    return withUnsafeTemporaryAllocation(byteCount: 12, alignment: 4) { scratch in
      scratch.storeBytes(of: nonce.0, as: UInt32.self)
      scratch.storeBytes(of: nonce.1, toByteOffset: 4, as: UInt64.self)
      nonce = (0, 0)
      guard let start = scratch.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
      #if IPSecMB
        if let vectorCipher {
          return vectorCipher.open(
            nonce: start, header: header, headerSize: Self.headerSize, body: header + Self.headerSize, count: count,
            target: output)
        }
        considerVectorCipher(count, &opened)
      #endif
      return shim_open_record(
        cipher, start, header, CInt(Self.headerSize), header + Self.headerSize, CInt(count), output) == 1
    }
  }

  /// An alert or a message of the handshake protocol, or what comes in the middle of one.
  private func take(_ type: UInt8, _ content: UnsafeRawBufferPointer, _ opened: inout Opened) {
    switch type {
    case ContentType.handshake:
      // Of the messages after a handshake a server without authentication after it can only get a key update.
      switch message.take(content) {
      case .unfinished: return
      case .violation(let violation): opened.end = .violation(violation)
      case .keyUpdate(let isAnswerWanted):
        if isAnswerWanted { opened.isKeyUpdateWanted = true }
        guard let next = secret.next(digest: digest) else { return opened.end = .library }
        secret = next
        if !useSecret() { opened.end = .library }
      }
    // Nothing may come between the parts of a message (RFC 8446, section 5.1).
    case ContentType.alert where content.count == 2 && !message.isUnfinished:
      switch content[1] {
      case Alert.closeNotify: opened.end = .closeNotify
      case Alert.userCanceled: break
      case let code: opened.end = .alert(code: code)
      }
    default: opened.end = .violation(.unexpected)
    }
  }

  #if IPSecMB
    private func considerVectorCipher(_ count: Int, _ opened: inout Opened) {
      guard bytesBeforeVector > 0 else { return }
      bytesBeforeVector -= count
      if bytesBeforeVector <= 0 {
        useVectorCipher()
        opened.hasChangedCipher = vectorCipher != nil
      }
    }

    private func useVectorCipher() {
      guard hasVectorKey else { return }
      withKey(of: secret) { key, _ in vectorCipher = VectorCipher(key: UnsafeRawBufferPointer(key)) }
    }
  #endif

  private func useSecret() -> Bool {
    var isUsed = false
    withKey(of: secret) { key, nonce in
      guard EVP_DecryptInit_ex(cipher, nil, nil, key.baseAddress?.assumingMemoryBound(to: UInt8.self), nil) == 1
      else { return }
      staticNonce = (
        nonce.loadUnaligned(as: UInt32.self), nonce.loadUnaligned(fromByteOffset: 4, as: UInt64.self)
      )
      sequenceNumber = 0
      isUsed = true
    }
    #if IPSecMB
      if vectorCipher != nil { useVectorCipher() }
    #endif
    return isUsed
  }

  /// Derives the key and the nonces' static part for as long as `body` runs; without calling it where OpenSSL could
  /// not.
  private func withKey(
    of secret: TrafficSecret, _ body: (UnsafeMutableRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
  ) {
    withUnsafeTemporaryAllocation(byteCount: keySize + 12, alignment: 4) { scratch in
      defer { OPENSSL_cleanse(scratch.baseAddress, scratch.count) }
      let key = UnsafeMutableRawBufferPointer(rebasing: scratch[12...])
      let nonce = UnsafeMutableRawBufferPointer(rebasing: scratch[..<12])
      if secret.deriveKey(key, nonce: nonce, digest: digest) { body(key, nonce) }
    }
  }

  /// A record that libssl, given it in place of the peer's, answers with the right alert. libssl's own keys are those
  /// of the connection's first record.
  func provocation(of violation: Violation) -> [UInt8] {
    switch violation {
    // The tag of a body of zeros is wrong.
    case .authentication: [23, 3, 3, 0, 17] + [UInt8](repeating: 0, count: 17)
    case .overflow: [23, 3, 3, 0xff, 0xff]
    case .version: [23, 0, 0, 0, 17] + [UInt8](repeating: 0, count: 17)
    case .illegalParameter: sealedFirst([24, 0, 0, 1, 2, ContentType.handshake])
    case .decoding: sealedFirst([24, 0, 0, 0, ContentType.handshake])
    // This type has no place outside of the handshake.
    case .unexpected, .flood: [20, 3, 3, 0, 1, 1]
    }
  }

  /// A connection's first record with this content and type.
  private func sealedFirst(_ inner: [UInt8]) -> [UInt8] {
    let header: [UInt8] = [ContentType.applicationData, 3, 3, 0, UInt8(inner.count + Self.tagSize)]
    var body = [UInt8](repeating: 0, count: inner.count + Self.tagSize)
    withKey(of: firstSecret) { key, nonce in
      guard let context = EVP_CIPHER_CTX_new() else { return }
      defer { EVP_CIPHER_CTX_free(context) }
      _ = shim_seal_record(
        context, EVP_CIPHER_CTX_get0_cipher(cipher), key.baseAddress, nonce.baseAddress, header, CInt(header.count),
        inner,
        CInt(inner.count), &body)
    }
    // Where OpenSSL fails, the tag stays wrong, and libssl sends another alert.
    return header + body
  }

  private enum ContentType {
    static let alert: UInt8 = 21
    static let handshake: UInt8 = 22
    static let applicationData: UInt8 = 23

    static func isKnown(_ type: UInt8) -> Bool { (alert...applicationData).contains(type) }
  }

  private enum Alert {
    static let closeNotify: UInt8 = 0
    static let userCanceled: UInt8 = 90
  }

  /// In bytes.
  private static func fragmentLimit(code: UInt8) -> Int {
    (1...4).contains(code) ? 256 << Int(code) : TLSSession.recordSize
  }

  // OpenSSL's objects for these are looked up once: a look-up for each connection costs more than its whole first
  // record.
  private static func cipher(of suite: OpaquePointer) -> OpaquePointer? {
    switch SSL_CIPHER_get_protocol_id(suite) {
    case 0x1301: aes128
    case 0x1302: aes256
    case 0x1303: chacha20
    default: nil
    }
  }

  // Fetched objects never change, and OpenSSL only reads them.
  private nonisolated(unsafe) static let aes128 = EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
  private nonisolated(unsafe) static let aes256 = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
  private nonisolated(unsafe) static let chacha20 = EVP_CIPHER_fetch(nil, "ChaCha20-Poly1305", nil)
}

internal import COpenSSL
public import NIOCore

/// One TLS connection without any network: ciphertext goes in and comes out as bytes.
///
/// After each call that may produce ciphertext, send what ``takeOutput()`` has. A session is confined to one thread at
/// a time. After a failure, only ``takeOutput()`` (it has the alert) is of use.
public final class TLSSession {
  /// What one portion of ciphertext led to, in the order of the members.
  public struct Received {
    /// The handshake became complete.
    public internal(set) var completedHandshake = false
    /// How many bytes of plaintext were appended.
    public internal(set) var plaintextByteCount = 0
    /// The peer ended its direction with `close_notify`; whatever it sent after that is ignored.
    public internal(set) var closeNotify = false
    /// Who decrypts has changed (``TLSSession/recordPath``).
    public internal(set) var hasChangedRecordPath = false
    /// The connection failed. Plaintext from before the failure is good.
    public internal(set) var failure: TLSError?
  }

  /// The most that a peer may make the session answer to one portion of ciphertext, in bytes.
  static let answerLimit = 64 << 10
  /// The largest plaintext of a record (RFC 8446, section 5.1).
  static let recordSize = 16 << 10
  /// More than any cipher in ``TLSProfile`` adds to a record: header 5, nonce 8, tag 16, content type 1.
  static let recordOverhead = 32

  /// Whether the handshake is complete.
  public private(set) var isHandshakeComplete = false
  /// Whether the peer ended its direction with `close_notify`.
  public internal(set) var hasReceivedCloseNotify = false
  /// Whether ``sendCloseNotify()`` ended this direction.
  public private(set) var hasSentCloseNotify = false
  /// Why the session is over, if it failed.
  public internal(set) var failure: TLSError?

  /// An `SSL`, freed in deinit.
  let handle: OpaquePointer
  let buffers = RecordBIO()
  /// What a ``RecordDecryptor`` is made of. libssl tells it during the handshake, and it is dropped at the end of that.
  private var clientSecret: TrafficSecret?
  /// Decrypts what the client sends, in libssl's place; nil where libssl decrypts.
  private(set) var decryptor: RecordDecryptor?
  /// How many messages without content the peer may still send, where libssl decrypts.
  var allowance = IdleAllowance()
  var hasFlooded = false
  /// At most so many records were sent with the current keys.
  private var recordsWithKey = 0
  /// After so many records this side's keys are updated, with TLS 1.3. AES-GCM is good for 2^24.5 full ones (RFC 8446,
  /// section 5.5), and libssl does not count.
  var keyUpdateInterval = 1 << 23
  /// The `SSL` has pointers into what the context keeps alive.
  let context: TLSContext
  /// The same, or of a server the one of the host name that the client asked for.
  var served: TLSContext

  /// A session for one connection.
  ///
  /// - Parameter serverName: for a client the host name or IP address that the certificate must have; a host name is
  ///   also sent as SNI. Nil leaves out both, and only a context without verification permits it. A server ignores it.
  /// - Throws: ``TLSConfigurationError/serverName(_:)`` or ``TLSConfigurationError/library(cause:)``.
  public init(context: TLSContext, serverName: String? = nil) throws(TLSConfigurationError) {
    OpenSSLErrors.clear()
    guard let handle = SSL_new(context.handle) else { throw .library(cause: OpenSSLErrors.take()) }
    guard let bio = buffers.makeHandle() else {
      SSL_free(handle)
      throw .library(cause: OpenSSLErrors.take())
    }
    // One BIO for both directions; the session takes over the only reference.
    SSL_set_bio(handle, bio, bio)
    self.handle = handle
    self.context = context
    self.served = context
    switch context.role {
    case .server:
      SSL_set_accept_state(handle)
      _ = shim_SSL_set_app_data(handle, Unmanaged.passUnretained(self).toOpaque())
    case .client:
      SSL_set_connect_state(handle)
      try useServerName(serverName)
    }
  }

  deinit {
    SSL_free(handle)
  }

  /// Begins the handshake: a client's output then has its ClientHello. A server has nothing to say yet, and OpenSSL
  /// nothing to do.
  ///
  /// - Throws: ``TLSError/handshake(reason:)``.
  public func startHandshake() throws(TLSError) {
    guard context.role == .client else { return }
    var received = Received()
    advanceHandshake(&received)
    if let failure = received.failure { throw failure }
  }

  /// Takes ciphertext from the peer. The bytes are borrowed: all are consumed when this returns.
  ///
  /// - Parameter plaintext: what all records in `bytes` carry is appended here. It grows if it has to, but not if it
  ///   has room for ``plaintextCapacity(forCiphertext:)``.
  public func receive(_ bytes: UnsafeRawBufferPointer, into plaintext: inout ByteBuffer) -> Received {
    var received = Received()
    guard failure == nil, !hasReceivedCloseNotify else { return received }
    buffers.lend(bytes) {
      if !isHandshakeComplete { advanceHandshake(&received) }
      if isHandshakeComplete { readRecords(into: &plaintext, &received) }
    }
    return received
  }

  /// Room that is enough for the plaintext of so much ciphertext, with the part of a record that came before it.
  public static func plaintextCapacity(forCiphertext count: Int) -> Int {
    count + recordSize + recordOverhead
  }

  /// Encrypts bytes into the output.
  ///
  /// - Returns: how many bytes were taken. Fewer than all means that the peer has to speak first; go on after the
  ///   next ``receive(_:into:)``.
  /// - Throws: ``TLSError/protocolViolation(reason:)``.
  /// - Precondition: the handshake is complete, and ``sendCloseNotify()`` was not called.
  public func encrypt(_ bytes: UnsafeRawBufferPointer) throws(TLSError) -> Int {
    precondition(isHandshakeComplete, "nothing can be encrypted before the handshake is complete")
    precondition(!hasSentCloseNotify, "nothing can be encrypted after close_notify")
    if let failure { throw failure }
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return 0 }
    buffers.reserve(
      bytes.count + (bytes.count / Self.recordSize + 1) * Self.recordOverhead,
      from: &BufferScratch.current.encrypted)
    var count = 0
    OpenSSLErrors.clear()
    recordsWithKey += bytes.count / Self.recordSize + 1
    if recordsWithKey > keyUpdateInterval { updateKeys() }
    let result = SSL_write_ex(handle, start, bytes.count, &count)
    if result == 1 { return count }
    switch SSL_get_error(handle, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return 0
    default: throw fail()
    }
  }

  /// Updates this side's keys with the next write. Where libssl cannot do so now, the next call tries again.
  private func updateKeys() {
    guard SSL_version(handle) == TLS1_3_VERSION, SSL_key_update(handle, SSL_KEY_UPDATE_NOT_REQUESTED) == 1 else {
      return OpenSSLErrors.clear()
    }
    recordsWithKey = 0
  }

  /// Ends this direction: `close_notify` goes into the output. The other direction stays open. Called again, or before
  /// the handshake is complete, or after a failure, it does nothing.
  public func sendCloseNotify() {
    guard isHandshakeComplete, !hasSentCloseNotify, failure == nil else { return }
    hasSentCloseNotify = true
    OpenSSLErrors.clear()
    // A negative answer means that OpenSSL could not make the alert. The peer then sees a truncated stream.
    if SSL_shutdown(handle) < 0 { OpenSSLErrors.clear() }
  }

  /// Ciphertext to be sent, or nil if there is none.
  public func takeOutput() -> ByteBuffer? {
    buffers.takeOutput()
  }

  /// How much ciphertext ``takeOutput()`` would return, in bytes.
  public var outputByteCount: Int { buffers.output.readableBytes }

  /// Whether a finished handshake left only tickets in the output (RFC 8446, section 4.6.1), which no peer waits for.
  /// So it is on a server with TLS 1.3. In every other case the output has a Finished, which the peer does wait for.
  var owesOnlyTickets: Bool { context.role == .server && SSL_version(handle) == TLS1_3_VERSION }

  /// Who decrypts what comes, as of now.
  ///
  /// - Precondition: the handshake is complete.
  public var recordPath: TLSRecordPath { decryptor?.path ?? .library }

  /// Describes the finished handshake.
  ///
  /// - Precondition: the handshake is complete.
  public func handshakeSummary() -> TLSHandshakeCompleted {
    precondition(isHandshakeComplete, "there is nothing to tell before the handshake is complete")
    guard context.role == .server else {
      return TLSHandshakeCompleted(session: handle, origin: nil, recordPath: recordPath)
    }
    let origin =
      SSL_session_reused(handle) == 1
      ? SessionOrigin(ticketOf: SSL_get_session(handle))
      : SessionOrigin(verifiedBy: handle, at: SessionOrigin.now(handle))
    return TLSHandshakeCompleted(session: handle, origin: origin, recordPath: recordPath)
  }

  private func advanceHandshake(_ received: inout Received) {
    OpenSSLErrors.clear()
    let result = SSL_do_handshake(handle)
    if result == 1 {
      isHandshakeComplete = true
      received.completedHandshake = true
      decryptor = clientSecret.flatMap { RecordDecryptor(handle, secret: $0) }
      clientSecret = nil
      // An idle connection would keep the buffers of the handshake.
      if decryptor != nil {
        SSL_free_buffers(handle)
      } else {
        shim_SSL_set_msg_callback(handle, Self.messageCallback, Unmanaged.passUnretained(self).toOpaque())
      }
      return
    }
    switch SSL_get_error(handle, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return
    default: received.failure = fail()
    }
  }

  /// Takes the client's secret. The key log is the only way in which OpenSSL tells the secrets of a handshake.
  static let keyLogCallback: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> Void = { handle, line in
    guard let handle, let line, let data = shim_SSL_get_app_data(handle) else { return }
    let session = Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    if let secret = TrafficSecret(keyLogLine: line) { session.clientSecret = secret }
  }
}

internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What is known of the full handshake that a session goes back to. It travels inside of the tickets, from each one to
/// the next, so that a chain of tickets ends when that handshake is too old or its certificates are no longer good.
struct SessionOrigin: Equatable {
  /// When the full handshake was, in seconds since 1970.
  var handshakeAt: Int64
  /// How the client's certificate was verified; nil where it showed none.
  var chain: CertificateChain?

  init(handshakeAt: Int64, chain: CertificateChain? = nil) {
    self.handshakeAt = handshakeAt
    self.chain = chain
  }

  /// How long after a full handshake its session may be resumed, in seconds, however many tickets follow each other.
  static let resumableFor: Int64 = 24 * 3600
  /// A clock that was set back by less than this does not end sessions, in seconds.
  private static let clockSlack: Int64 = 300

  /// Whether the session may go on: whether a full handshake with the same certificates would end well now.
  ///
  /// - Parameter trust: what certificates are judged by; nil where clients are asked for none.
  func permitsResumption(at now: Int64, _ trust: ClientTrust?) -> Bool {
    let (age, isFar) = now.subtractingReportingOverflow(handshakeAt)
    guard !isFar, (-Self.clockSlack...Self.resumableFor).contains(age) else { return false }
    guard let chain else { return true }
    return trust?.trusts(chain, at: now) != nil
  }
}

extension SessionOrigin {
  /// Of a connection whose handshake has come far enough for the client's certificate to be verified, and that resumes
  /// nothing.
  ///
  /// `nil` where the client has a certificate of which not all is known: for want of memory alone.
  init?(verifiedBy session: OpaquePointer, at now: Int64) {
    handshakeAt = now
    guard shim_SSL_verified_chain_count(session) > 0 else { return }
    guard let chain = CertificateChain(verifiedBy: session) else { return nil }
    self.chain = chain
  }

  /// The time that certificates are judged by, in seconds since 1970.
  static func now(_ session: OpaquePointer) -> Int64 {
    let parameters = SSL_get0_param(session)
    let isSet = X509_VERIFY_PARAM_get_flags(parameters) & UInt(X509_V_FLAG_USE_CHECK_TIME) != 0
    return Int64(isSet ? X509_VERIFY_PARAM_get_time(parameters) : time(nil))
  }

  // MARK: In a ticket

  private static let version: UInt8 = 2

  /// Version, the time in eight bytes, and the chain if there is one.
  var bytes: [UInt8] {
    var bytes = CanonicalBytes()
    bytes.number(handshakeAt)
    return [Self.version] + bytes.bytes + (chain?.bytes ?? [])
  }

  init?(_ bytes: UnsafeRawBufferPointer) {
    var reader = CanonicalReader(bytes.dropFirst())
    guard bytes.first == Self.version, let handshakeAt = reader.number() else { return nil }
    self.handshakeAt = handshakeAt
    guard !reader.isAtEnd else { return }
    guard let chain = CertificateChain(&reader), reader.isAtEnd else { return nil }
    self.chain = chain
  }

  /// What the ticket has that a connection goes on with.
  init?(ticketOf session: OpaquePointer?) {
    var start: UnsafeMutableRawPointer?
    var count = 0
    guard let session, SSL_SESSION_get0_ticket_appdata(session, &start, &count) == 1, let start else { return nil }
    self.init(UnsafeRawBufferPointer(start: start, count: count))
  }
}

/// libssl is about to write a ticket. That of a resumed session has the origin from the ticket before it.
let writeSessionOrigin: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> CInt = { handle, _ in
  guard let handle, let session = SSL_get_session(handle) else { return 0 }
  if SSL_session_reused(handle) == 1 { return 1 }
  // A ticket without it resumes nothing.
  guard let origin = SessionOrigin(verifiedBy: handle, at: SessionOrigin.now(handle)) else { return 1 }
  _ = origin.bytes.withUnsafeBytes { SSL_SESSION_set1_ticket_appdata(session, $0.baseAddress, $0.count) }
  return 1
}

/// A client shows a ticket. One that may not be used is answered with a full handshake and a new ticket. It is judged by the
/// context that serves the name: libssl calls this one of the first context's, whatever the name.
let judgeSessionOrigin:
  @convention(c) (
    OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, Int, SSL_TICKET_STATUS, UnsafeMutableRawPointer?
  ) -> SSL_TICKET_RETURN = { handle, session, _, _, status, _ in
    guard let handle, let data = shim_SSL_get_app_data(handle) else { return SSL_TICKET_RETURN_IGNORE_RENEW }
    let trust = Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue().served.clientTrust
    guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
      let origin = SessionOrigin(ticketOf: session), origin.permitsResumption(at: SessionOrigin.now(handle), trust)
    else { return SSL_TICKET_RETURN_IGNORE_RENEW }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
  }

internal import COpenSSL

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Musl
#endif

/// What is known of the full handshake that a session goes back to. It travels inside of the tickets, from each one to
/// the next, so that a chain of tickets ends when that handshake is too old or its certificates have expired.
struct SessionOrigin: Equatable {
  /// When the full handshake was, in seconds since 1970.
  var handshakeAt: Int64
  /// When all certificates of the client's chain are valid, in seconds since 1970. Without a chain that is always.
  var validity: Range<Int64> = .min..<(.max)
  /// SHA-256 of the key that the client's certificate was verified by; nil where it showed none.
  var authority: [UInt8]?

  /// How long after a full handshake its session may be resumed, in seconds, however many tickets follow each other.
  static let resumableFor: Int64 = 24 * 3600
  /// A clock that was set back by less than this does not end sessions, in seconds.
  private static let clockSlack: Int64 = 300

  /// Whether the session may go on: whether a full handshake with the same certificates would end well now.
  ///
  /// This is the place for whatever else a full handshake will look at one day, such as revocation.
  func permitsResumption(at now: Int64) -> Bool {
    let age = now.subtractingReportingOverflow(handshakeAt).partialValue
    return (-Self.clockSlack...Self.resumableFor).contains(age) && validity.contains(now)
  }
}

extension SessionOrigin {
  /// Of a connection whose handshake has come far enough for the client's certificate to be verified, and that resumes
  /// nothing.
  init(verifiedBy session: OpaquePointer, at now: Int64) {
    handshakeAt = now
    let count = shim_SSL_verified_chain_count(session)
    guard count > 0 else { return }
    var (from, until) = (validity.lowerBound, validity.upperBound)
    for index in 0..<count {
      guard let certificate = shim_SSL_verified_chain_certificate(session, index) else { continue }
      // A time that cannot be read would not have been verified.
      from = max(from, Self.seconds(X509_get0_notBefore(certificate)) ?? .max)
      until = min(until, Self.seconds(X509_get0_notAfter(certificate)) ?? .min)
    }
    validity = from < until ? from..<until : 0..<0
    // One that vouches for itself stands alone.
    authority = shim_SSL_verified_chain_certificate(session, min(1, count - 1))
      .flatMap { CertificateIdentity.authorityKey(of: $0) }
  }

  /// The time that certificates are judged by, in seconds since 1970.
  static func now(_ session: OpaquePointer) -> Int64 {
    let parameters = SSL_get0_param(session)
    let isSet = X509_VERIFY_PARAM_get_flags(parameters) & UInt(X509_V_FLAG_USE_CHECK_TIME) != 0
    return Int64(isSet ? X509_VERIFY_PARAM_get_time(parameters) : time(nil))
  }

  /// In seconds since 1970.
  static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    guard let time, let start = ASN1_TIME_set(nil, 0) else { return nil }
    defer { ASN1_STRING_free(start) }
    var (days, rest): (CInt, CInt) = (0, 0)
    guard ASN1_TIME_diff(&days, &rest, start, time) == 1 else { return nil }
    return Int64(days) * 86_400 + Int64(rest)
  }

  // MARK: In a ticket

  private static let version: UInt8 = 1

  /// Version, the three times in eight bytes each, and the authority if there is one.
  var bytes: [UInt8] {
    var bytes = [Self.version]
    for time in [handshakeAt, validity.lowerBound, validity.upperBound] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: time >> Int64(shift)))
      }
    }
    return bytes + (authority ?? [])
  }

  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count == 25 || bytes.count == 57, bytes[0] == Self.version else { return nil }
    let times = (0..<3).map { place in
      bytes[(1 + 8 * place)..<(9 + 8 * place)].reduce(0) { $0 << 8 | Int64($1) }
    }
    guard times[1] <= times[2] else { return nil }
    handshakeAt = times[0]
    validity = times[1]..<times[2]
    authority = bytes.count > 25 ? Array(bytes[25...]) : nil
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
  let origin = SessionOrigin(verifiedBy: handle, at: SessionOrigin.now(handle))
  // A ticket without it resumes nothing.
  _ = origin.bytes.withUnsafeBytes { SSL_SESSION_set1_ticket_appdata(session, $0.baseAddress, $0.count) }
  return 1
}

/// A client shows a ticket. One that may not be used is answered with a full handshake and a new ticket.
let judgeSessionOrigin:
  @convention(c) (
    OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, Int, SSL_TICKET_STATUS, UnsafeMutableRawPointer?
  ) -> SSL_TICKET_RETURN = { handle, session, _, _, status, _ in
    guard let handle, status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
      let origin = SessionOrigin(ticketOf: session), origin.permitsResumption(at: SessionOrigin.now(handle))
    else { return SSL_TICKET_RETURN_IGNORE_RENEW }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
  }

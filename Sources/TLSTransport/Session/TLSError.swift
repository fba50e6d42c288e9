public import NIOCore

/// Why a TLS connection failed. `reason` is OpenSSL's own text.
public enum TLSError: Error, Sendable, Equatable {
  /// The handshake failed: no common version, cipher or ALPN name, an alert from the peer, or bytes that are not TLS.
  case handshake(reason: String)
  /// The peer's certificate was not accepted; `reason` is the verifier's text.
  case untrustedCertificate(reason: String)
  /// The handshake did not end within the deadline.
  case handshakeTimeout(after: TimeAmount)
  /// The peer closed the connection before the handshake was complete.
  case closedDuringHandshake
  /// The stream ended without `close_notify` (RFC 8446, section 6.1): bytes may be missing.
  case truncated
  /// After the handshake the peer broke the protocol or sent a fatal alert.
  case protocolViolation(reason: String)
  /// The peer asks for answers (key updates, renegotiation) faster than it reads them, or sends record after record
  /// that brings nothing.
  case flooded
}

extension TLSError: CustomStringConvertible {
  /// One line for a person.
  public var description: String {
    switch self {
    case .handshake(let reason): "TLS handshake failed: \(reason)"
    case .untrustedCertificate(let reason): "TLS handshake failed: the peer's certificate is not trusted: \(reason)"
    case .handshakeTimeout(let limit): "TLS handshake not complete after \(limit.nanoseconds / 1_000_000) ms"
    case .closedDuringHandshake: "the peer closed the connection during the TLS handshake"
    case .truncated: "the TLS stream ended without close_notify: bytes may be missing"
    case .protocolViolation(let reason): "TLS protocol violation: \(reason)"
    case .flooded: "the peer asks for TLS answers faster than it reads them, or sends TLS records without bytes"
    }
  }
}

import NIOCore
import NIOPosix
import TLSTransport
import XStream

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Why a connection could not be made, or ended before the server answered.
enum ConnectionLoss: Error, Sendable {
  /// There is no connection; the text is the cause.
  case connect(String)
  case tls(TLSError)
  /// The text is the system's.
  case broken(String)
  /// The server ended in order, but without an answer.
  case closed
  case silent(TimeAmount)
  /// The host name has no address.
  case unresolved
  /// What answers does not speak the protocol.
  case foreign(isHTTP: Bool)

  init(connecting error: any Error) {
    switch error {
    case let error as TLSError: self = .tls(error)
    case let error as NIOConnectionError:
      if let last = error.connectionErrors.last {
        self = .connect(Self.text(last.error))
      } else {
        self = .unresolved
      }
    case let error as ChannelError: self = .connect(Self.text(error))
    default: self = .connect(Self.text(error))
    }
  }

  init(_ error: any Error) {
    if let error = error as? TLSError { self = .tls(error) } else { self = .broken(Self.text(error)) }
  }

  func error(_ point: ResumePoint?, with server: Counterpart) -> UploadError {
    let (message, remedy) = explanation(for: server)
    return UploadError(
      code: code, message: message, resumePoint: point, isWorthAnotherTry: code == .connection, remedy: remedy)
  }

  /// With `security` another try would end the same way: somebody has to change a certificate or a setting.
  private var code: UploadError.Code {
    switch self {
    case .tls(.untrustedCertificate), .tls(.handshake): .security
    // With TLS 1.3 a server refuses a client's certificate after the handshake.
    case .tls(.protocolViolation(let reason)) where Self.isOfCertificate(reason): .security
    case .foreign: .violation
    case .tls, .connect, .unresolved, .broken, .closed, .silent: .connection
    }
  }

  private func explanation(for server: Counterpart) -> (String, UploadError.Remedy?) {
    let place = server.authority
    switch self {
    case .connect(let cause): return ("No connection to \(place): \(cause).", nil)
    case .unresolved: return ("The host name \(server.host) cannot be resolved. Check the URL.", nil)
    case .tls(.untrustedCertificate(let reason)): return Self.untrusted(reason, server)
    case .tls(.handshake(let reason)): return Self.handshake(reason, server)
    case .tls(.protocolViolation(let reason)) where Self.isOfCertificate(reason):
      return Self.refusedCertificate(reason, server)
    case .tls(.handshakeTimeout), .tls(.closedDuringHandshake):
      return ("\(place) does not answer as a TLS server does. Check the port.", nil)
    case .tls(.truncated): return ("The connection to \(place) was lost.", nil)
    case .tls(let error): return ("The connection to \(place) was lost: \(error).", nil)
    case .broken(let cause): return ("The connection to \(place) was lost: \(cause).", nil)
    case .closed: return ("\(place) closed the connection without an answer.", nil)
    case .silent(let time): return ("Nothing came from \(place) for \(time.nanoseconds / 1_000_000_000) s.", nil)
    case .foreign where server.isHTTPS: return ("\(place) does not speak HTTP/1.1. Check the port.", nil)
    case .foreign(let isHTTP):
      let what = isHTTP ? "is an HTTPS server, and does" : "does"
      return ("\(place) \(what) not speak x-stream. Check the port.", nil)
    }
  }

  /// The reasons need different remedies, so each has a message of its own.
  private static func untrusted(_ reason: String, _ server: Counterpart) -> (String, UploadError.Remedy?) {
    let place = server.authority
    let reason = reason.lowercased()
    if reason.contains("expired") {
      let advice = "its operator has to renew it, unless this machine's clock is wrong"
      return ("The certificate of \(place) has expired: \(advice).", nil)
    }
    if reason.contains("not yet valid") {
      return ("The certificate of \(place) is not valid yet: this machine's clock, or the server's, is wrong.", nil)
    }
    if reason.contains("mismatch") {
      let advice = "the URL has to have a name that the certificate has"
      return ("The certificate of \(place) is not for \(server.host): \(advice).", nil)
    }
    if ["issuer", "self-signed", "self signed", "first certificate"].contains(where: reason.contains) {
      let cause = "it is of an authority that is not known here (\(reason))"
      return ("The certificate of \(place) is not trusted: \(cause).", .authority)
    }
    return ("The certificate of \(place) is not trusted: \(reason).", .authority)
  }

  private static func handshake(_ reason: String, _ server: Counterpart) -> (String, UploadError.Remedy?) {
    let place = server.authority
    if isOfCertificate(reason) { return refusedCertificate(reason, server) }
    let foreign = ["wrong version number", "http request", "packet length too long", "record layer failure"]
    if foreign.contains(where: reason.contains) {
      return ("\(place) does not speak TLS. Check the port.", nil)
    }
    if reason.contains("application protocol") {
      return ("\(place) speaks TLS, but not \(server.isHTTPS ? "HTTP/1.1" : "x-stream"). Check the port.", nil)
    }
    return ("No TLS connection to \(place): \(reason). Check the port.", nil)
  }

  private static func refusedCertificate(_ reason: String, _ server: Counterpart) -> (String, UploadError.Remedy?) {
    server.showsCertificate
      ? ("\(server.authority) does not accept this client's certificate: \(reason).", nil)
      : ("\(server.authority) asks for a client certificate, and none was given.", .certificate)
  }

  private static func isOfCertificate(_ reason: String) -> Bool {
    reason.contains("certificate") || reason.contains("unknown ca")
  }

  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout(let time): "no answer within \(time.nanoseconds / 1_000_000_000) s"
    default: "\(error)"
    }
  }
}

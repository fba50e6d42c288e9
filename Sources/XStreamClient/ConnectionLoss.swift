import NIOCore
import NIOPosix
import TLSTransport
import XStream

#if canImport(Glibc)
  import Glibc
#else
  import Musl
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

  init(connecting error: any Error) {
    switch error {
    case let error as TLSError: self = .tls(error)
    case let error as NIOConnectionError:
      if let last = error.connectionErrors.last {
        self = .connect(Self.text(last.error))
      } else {
        self = .connect("the host name cannot be resolved")
      }
    case let error as ChannelError: self = .connect(Self.text(error))
    default: self = .connect(Self.text(error))
    }
  }

  init(_ error: any Error) {
    if let error = error as? TLSError { self = .tls(error) } else { self = .broken(Self.text(error)) }
  }

  func error(_ point: ResumePoint?) -> UploadError {
    UploadError(
      code: isOfSecurity ? .security : .connection, message: message, resumePoint: point,
      isWorthAnotherTry: !isOfSecurity)
  }

  /// Another try would end the same way: somebody has to change a certificate or a setting.
  private var isOfSecurity: Bool {
    switch self {
    case .tls(.untrustedCertificate), .tls(.handshake): true
    // With TLS 1.3 a server refuses a client's certificate after the handshake.
    case .tls(.protocolViolation(let reason)): reason.contains("certificate") || reason.contains("unknown ca")
    case .tls, .connect, .broken, .closed, .silent: false
    }
  }

  private var message: String {
    switch self {
    case .connect(let cause): "No connection to the server: \(cause)."
    case .tls(.untrustedCertificate(let reason)):
      "The server's certificate is not trusted: \(reason). Name its authority's file, or check the host name."
    case .tls(.truncated): "The connection was lost."
    case .tls(let error) where isOfSecurity: "\(error). Check the port and the client certificate."
    case .tls(let error): "The connection was lost: \(error)."
    case .broken(let cause): "The connection was lost: \(cause)."
    case .closed: "The server closed the connection without an answer."
    case .silent(let time): "Nothing came from the server for \(time.nanoseconds / 1_000_000_000) s."
    }
  }

  private static func text(_ error: any Error) -> String {
    switch error {
    case let error as IOError: String(cString: strerror(error.errnoCode))
    case ChannelError.connectTimeout(let time): "no answer within \(time.nanoseconds / 1_000_000_000) s"
    default: "\(error)"
    }
  }
}

import XStream

/// What an upload speaks.
package enum UploadProtocol: String, Hashable, Sendable, CaseIterable {
  /// A stream of x-stream, or a small payload.
  case xStream = "x-stream"
  /// One PUT: what breaks off begins anew.
  case put
  /// tus 1.0.0: a POST, and PATCHes.
  case tus
  /// Resumable uploads for HTTP, in the newest interop version.
  case resumable

  /// Whether an upload that broke off goes on.
  var isResumable: Bool { self != .put }
}

/// Which HTTP.
package enum HTTPVersion: String, Hashable, Sendable, CaseIterable {
  /// HTTP/1.1.
  case one = "1.1"
  /// HTTP/2.
  case two = "2"
}

/// What a connection is agreed on for.
enum ConnectionProtocol: Hashable, Sendable, CaseIterable {
  case xStream, http1, http2

  /// The ALPN name.
  var name: String {
    switch self {
    case .xStream: XStreamProtocol.applicationProtocol
    case .http1: "http/1.1"
    case .http2: "h2"
    }
  }
}

extension UploadKind {
  /// What its connections speak.
  var connection: ConnectionProtocol {
    switch (uploadProtocol, http) {
    case (.xStream, _): .xStream
    case (_, .one): .http1
    case (_, .two): .http2
    }
  }
}

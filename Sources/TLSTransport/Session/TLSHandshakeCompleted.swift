/// Fired as a user inbound event by ``TLSHandler`` when the handshake is complete, before the first plaintext.
///
/// With TLS 1.3 a client's handshake is complete before the server has looked at the client's certificate: a refusal
/// follows as an error.
public struct TLSHandshakeCompleted: Sendable, Equatable {
  /// OpenSSL's name: `TLSv1.2` or `TLSv1.3`.
  public let protocolVersion: String
  /// OpenSSL's name of the cipher, for example `TLS_AES_128_GCM_SHA256`.
  public let cipher: String
  /// The ALPN name that was agreed on, if any.
  public let alpn: String?
  /// The host name in SNI: on a server what the client asked for, on a client what it sent.
  public let serverName: String?
  /// The peer's certificate, if it showed one.
  public let peerCertificate: PeerCertificate?
  /// Whether an earlier session was resumed.
  public let isResumed: Bool
  /// Who decrypts what comes; ``TLSRecordPathChanged`` says it if that changes.
  public let recordPath: TLSRecordPath
}

/// Fired as a user inbound event by ``TLSHandler`` when faster instructions take over, once a connection brings much.
public struct TLSRecordPathChanged: Sendable, Equatable {
  /// Who decrypts now.
  public let recordPath: TLSRecordPath
}

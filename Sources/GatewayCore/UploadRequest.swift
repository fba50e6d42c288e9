/// What a client asks for when it begins an upload or goes on with one.
public struct UploadRequest: Sendable {
  /// How the bytes come.
  public enum Shape: Hashable, Sendable {
    /// As an announced stream that can be resumed.
    case stream
    /// In one go, with nothing to resume: what breaks off is dropped.
    case payload
  }

  /// The route's path as the client named it.
  public var route: String
  /// How the bytes come.
  public var shape: Shape
  /// `nil` where the client named a format that is none.
  public var format: DataFormat?
  /// In bytes; `nil` where the client does not know.
  public var total: Int64?
  /// The portion size that the client has in mind, in bytes.
  public var buffer: Int64
  /// The client's own name for the file; a label, never a path.
  public var label: String?
  /// What the whole must have.
  public var digest: ContentDigest?
  /// Bytes after which the client wants to hear of safe ones; `nil`: never.
  public var acknowledgeEvery: Int64?
  /// What the client has shown of itself.
  public var credentials: Credentials
  /// What a backend may want to know of the connection.
  public var connection: ClientConnection

  /// All of it.
  public init(
    route: String, shape: Shape, format: DataFormat?, total: Int64?, buffer: Int64, label: String?,
    digest: ContentDigest?, acknowledgeEvery: Int64?, credentials: Credentials,
    connection: ClientConnection = ClientConnection()
  ) {
    self.route = route
    self.shape = shape
    self.format = format
    self.total = total
    self.buffer = buffer
    self.label = label
    self.digest = digest
    self.acknowledgeEvery = acknowledgeEvery
    self.credentials = credentials
    self.connection = connection
  }
}

/// What a client has shown of itself, before a route has judged it.
public struct Credentials: Sendable {
  /// Whose certificate the listener verified.
  public var certificate: CertificateHolder?
  /// A bearer token, as it came.
  public var token: String?
  /// Where the connection comes from.
  public var address: String

  /// All of it.
  public init(certificate: CertificateHolder?, token: String?, address: String) {
    self.certificate = certificate
    self.token = token
    self.address = address
  }
}

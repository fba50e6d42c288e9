import GatewayCore
import Ledgers

/// What a gateway's ledger says, read while the gateway runs or after it.
public struct LedgerAccount: Sendable, Encodable {
  /// One upload.
  public struct Upload: Sendable, Encodable {
    /// Its key. For an upload of a client without an identity it is the right to go on with it.
    public let key: String
    /// The route's path.
    public let route: String
    /// `open` or `done`.
    public let state: String
    /// Bytes that are safe.
    public let safe: Int64
    /// Bytes in all; `nil` where that is unknown.
    public let total: Int64?
    /// Whose it is; empty for a client that showed nothing.
    public let owner: String
    /// The client's own name for the file.
    public let name: String?
    /// What the client said the bytes are.
    public let format: String
    /// SHA-256 in hexadecimal, where the client announced one.
    public let sha256: String?
    /// Milliseconds since 1970.
    public let createdAt: Int64
    /// Milliseconds since 1970; of an open upload alone.
    public let expiresAt: Int64?
    /// Milliseconds since 1970; of a complete upload alone.
    public let finishedAt: Int64?
  }

  /// One quota.
  public struct Quota: Sendable, Encodable {
    /// The route's path.
    public let route: String
    /// Whom it is for; empty for the route itself.
    public let subject: String
    /// In bytes.
    public let cap: Int64
    /// Bytes that unfinished uploads have reserved.
    public let reserved: Int64
    /// Bytes of complete uploads.
    public let used: Int64
  }

  /// Ordered by route and age.
  public let uploads: [Upload]
  /// Ordered by route and subject.
  public let quotas: [Quota]

  /// Reads the ledger in a state folder.
  ///
  /// - Parameter route: of this route alone.
  /// - Throws: `LedgerOpenError`, `LedgerError`.
  public init(state: LedgerFolder, route: String? = nil) throws {
    let reader = try LedgerReader(path: state.ledgerPath)
    uploads = try reader.uploads(route: route).map(Upload.init)
    quotas = try reader.quotas().filter { route == nil || $0.route == route }.map(Quota.init)
  }
}

extension LedgerAccount.Upload {
  init(_ record: UploadRecord) {
    key = record.key.text
    route = record.route
    state = record.state.rawValue
    safe = record.committed
    total = record.total
    owner = record.owner
    name = record.label
    format = record.format
    sha256 = record.digest.map { digest in
      digest.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    createdAt = record.createdAt.milliseconds
    expiresAt = record.state == .open ? record.expiresAt.milliseconds : nil
    finishedAt = record.finishedAt?.milliseconds
  }
}

extension LedgerAccount.Quota {
  init(_ record: QuotaRecord) {
    route = record.route
    subject = record.subject
    cap = record.cap
    reserved = record.reserved
    used = record.used
  }
}

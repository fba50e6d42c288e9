import Forwarders
package import GatewayCore
import TextForms

/// What a gateway's ledger says, read while the gateway runs or after it.
package struct LedgerAccount: Sendable, Encodable {
  /// One upload.
  package struct Upload: Sendable, Encodable {
    /// Its key. For an upload of a client without an identity it is the right to go on with it.
    package let key: String
    /// The route's path.
    package let route: String
    /// `open`, `failed` or `done`.
    package let state: String
    /// Bytes that are safe.
    package let safe: Int64
    /// Bytes in all; `nil` where that is unknown.
    package let total: Int64?
    /// Whose it is; empty for a client that showed nothing.
    package let owner: String
    /// Who began it, as limits of clients count: `certificate:…`, `token:…` or `address:…`; empty in an older record.
    package let client: String
    /// The client's own name for the file.
    package let name: String?
    /// Where its file is, or was when it was last told; `nil` where bytes are passed on.
    package let path: String?
    /// Whether its file is not there any more, as somebody has taken it away or it was too old.
    package let isGone: Bool?
    /// What the client said the bytes are.
    package let format: String
    /// SHA-256 in hexadecimal, where the client announced one.
    package let sha256: String?
    /// `part` of a whole that is put together of several, or such a `final`; `nil` for one that stands for itself.
    package let role: String?
    /// When it was begun.
    package let createdAt: Moment
    /// When it is dropped if nobody goes on with it; of an upload that is not complete.
    package let expiresAt: Moment?
    /// When it was completed; of a complete upload alone.
    package let finishedAt: Moment?
  }

  /// One quota.
  package struct Quota: Sendable, Encodable {
    /// The route's path.
    package let route: String
    /// Whom it is for; empty for the route itself.
    package let subject: String
    /// In bytes.
    package let cap: Int64
    /// Bytes that unfinished uploads have reserved.
    package let reserved: Int64
    /// Bytes of complete uploads.
    package let used: Int64
    /// Start of the window; `nil` where the quota has none.
    package let window: Moment?
  }

  /// A moment, which JSON has in the words of RFC 3339 with milliseconds.
  package struct Moment: Hashable, Sendable, Encodable {
    /// Since 1970.
    package let milliseconds: Int64

    /// This moment.
    package static var now: Moment { Moment(.now()) }

    init(_ time: WallTime) {
      milliseconds = time.milliseconds
    }

    /// Writes `2026-01-31T23:59:59.000Z`.
    package func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(RFC3339(milliseconds: milliseconds).text)
    }
  }

  /// What is read: there may be millions of uploads.
  package enum Contents: Sendable {
    case all, quotas
    /// As many as these of the uploads that the filter takes, and no quotas; at least 1.
    case uploads(limit: Int)
  }

  /// Ordered by route and age.
  package let uploads: [Upload]
  /// Whether there are more behind them.
  package let hasMore: Bool
  /// Ordered by route and subject.
  package let quotas: [Quota]

  /// Reads a gateway's ledger.
  ///
  /// - Parameter filter: which uploads; its route and client apply to quotas as well.
  /// - Throws: `LedgerOpenError`, `LedgerError`.
  package init(
    _ configuration: Configuration, filter: LedgerFilter = LedgerFilter(), reading contents: Contents = .all
  ) throws {
    let stores = configuration.routes.reduce(into: [:]) { stores, entry in
      stores[entry.path] = entry.destination.store
    }
    try self.init(LedgerFolder(configuration), stores: stores, filter, contents)
  }

  /// The same without a configuration: it is not known where files are.
  package init(state: LedgerFolder, filter: LedgerFilter = LedgerFilter()) throws {
    try self.init(state, stores: [:], filter, .all)
  }

  private init(
    _ state: LedgerFolder, stores: [String: DirectoryStore.Settings], _ filter: LedgerFilter, _ contents: Contents
  ) throws {
    let ledger = try state.inspect()
    var uploads: [Upload] = []
    var hasMore = false
    let limit =
      switch contents {
      case .all: Int.max
      case .quotas: 0
      case .uploads(let limit): limit
      }
    if limit > 0 {
      try ledger.forEach(of: filter.list) { (record) throws(LedgerError) in
        guard filter.takes(record) else { return true }
        hasMore = uploads.count == limit
        if !hasMore { uploads.append(Upload(record, in: stores[record.facts.route])) }
        return !hasMore
      }
    }
    self.uploads = uploads
    self.hasMore = hasMore
    if case .uploads = contents {
      quotas = []
    } else {
      quotas = try ledger.quotas().filter(filter.takes).map(Quota.init)
    }
  }
}

/// What of a ledger is asked for. What is `nil` or empty takes everything.
package struct LedgerFilter: Sendable {
  /// Where in its life an upload is.
  package enum State: String, CaseIterable, Sendable {
    /// Bytes are still to come.
    case open
    /// It can never be completed.
    case failed
    /// Complete and safe.
    case done
  }

  /// Of this route alone, by its path.
  package var route: String?
  /// In this state alone.
  package var state: State?
  /// Of clients whose ``/GatewayCore/ClientIdentity/subject`` has this in it.
  package var client: String?
  /// Begun or completed at this moment or later.
  package var since: WallTime?
  /// With keys that begin so.
  package var keyPrefix: String
  /// Those behind the upload of this key, in the order of the list.
  package var after: UploadKey?

  /// Everything, but for what is given.
  package init(
    route: String? = nil, state: State? = nil, client: String? = nil, since: WallTime? = nil,
    keyPrefix: String = "", after: String? = nil
  ) {
    self.route = route
    self.state = state
    self.client = client
    self.since = since
    self.keyPrefix = keyPrefix
    self.after = after.flatMap { UploadKey($0) }
  }

  /// Whether a text can be an upload's key.
  package static func isKey(_ text: String) -> Bool { UploadKey(text) != nil }

  /// Everything since so long before now.
  package static func moment(before now: WallTime = .now(), by age: Duration) -> WallTime {
    now.advanced(byMilliseconds: -age.components.seconds * 1000)
  }

  /// What the ledger finds by itself.
  var list: UploadList {
    UploadList(
      state: state.flatMap { UploadRecord.State(rawValue: $0.rawValue) }, route: route, keyPrefix: keyPrefix,
      after: after)
  }

  /// The rest of what is asked for.
  func takes(_ upload: UploadRecord) -> Bool {
    (client.map { upload.facts.subject.contains($0) } ?? true)
      && (since.map { $0 <= upload.finishedAt ?? upload.facts.createdAt } ?? true)
  }

  func takes(_ quota: QuotaRecord) -> Bool {
    (route.map { $0 == quota.route } ?? true) && (client.map { quota.subject.contains($0) } ?? true)
  }
}

extension LedgerAccount.Upload {
  init(_ record: UploadRecord, in store: DirectoryStore.Settings?) {
    key = record.key.text
    let facts = record.facts
    route = facts.route
    path =
      switch record.state {
      case .done where record.file == .gone: nil
      case .done: store?.finalPath(of: record)
      default: store?.partialPath(of: record)
      }
    isGone = record.state == .done && record.file == .gone ? true : nil
    state = record.state.rawValue
    safe = record.committed
    total = facts.total
    owner = facts.owner
    client = facts.subject
    name = facts.label
    format = facts.format.rawValue
    sha256 = facts.digest.map { Hexadecimal.text($0.bytes) }
    role =
      switch facts.role {
      case .whole: nil
      case .part: "part"
      case .final: "final"
      }
    createdAt = LedgerAccount.Moment(facts.createdAt)
    expiresAt = record.state != .done ? LedgerAccount.Moment(record.expiresAt) : nil
    finishedAt = record.finishedAt.map(LedgerAccount.Moment.init)
  }
}

extension LedgerAccount.Quota {
  init(_ record: QuotaRecord) {
    route = record.route
    subject = record.subject
    cap = record.cap
    reserved = record.reserved
    used = record.used
    window = record.window == 0 ? nil : LedgerAccount.Moment(WallTime(milliseconds: record.window))
  }
}

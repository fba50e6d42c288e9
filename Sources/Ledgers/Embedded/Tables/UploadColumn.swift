import FoundationEssentials
import GatewayCore

/// The columns of an upload's row, in the one order in which they are written and read.
enum UploadColumn: Int32, CaseIterable {
  case key, route, owner, subject, format, label, metadata, digest, total, createdAt
  case committed, granted, state, epoch, holder, expiresAt, finishedAt, storeState, role, file

  /// Its name in the table.
  var name: String {
    switch self {
    case .createdAt: "created_at"
    case .expiresAt: "expires_at"
    case .finishedAt: "finished_at"
    case .storeState: "store_state"
    default: "\(self)"
    }
  }

  /// Its place in a row that was read.
  var index: Int32 { rawValue }

  /// Its parameter in ``insertion``.
  var parameter: Int32 { rawValue + 1 }

  /// All of them.
  static let list = allCases.map(\.name).joined(separator: ", ")

  /// Reads whole rows.
  static let selection = "SELECT \(list) FROM upload"

  /// Writes a whole row.
  static let insertion =
    "INSERT INTO upload (\(list)) VALUES (\(allCases.map { "$\($0.parameter)" }.joined(separator: ", ")))"
}

extension UploadRecord {
  /// Reads a row of ``UploadColumn/selection``.
  init(row: some StoredRow) throws(LedgerError) {
    guard let key = UploadKey(row.text(UploadColumn.key.index)),
      let state = State(rawValue: row.text(UploadColumn.state.index))
    else { throw .engine("the ledger is damaged: an upload has no valid key or state") }
    guard let format = DataFormat(rawValue: row.text(UploadColumn.format.index)) else {
      throw .engine("the ledger is damaged: the format of upload \(key.logID) is none")
    }
    var digest: ContentDigest?
    if let bytes = row.bytes(UploadColumn.digest.index) {
      digest = ContentDigest(bytes: bytes)
      if digest == nil { throw .engine("the ledger is damaged: the digest of upload \(key.logID) is not 32 bytes") }
    }
    guard let role = UploadRole(stored: row.optionalText(UploadColumn.role.index)) else {
      throw .engine("the ledger is damaged: what upload \(key.logID) is for cannot be read")
    }
    let facts = UploadFacts(
      key: key, route: row.text(UploadColumn.route.index), owner: row.text(UploadColumn.owner.index),
      subject: row.text(UploadColumn.subject.index), format: format, label: row.optionalText(UploadColumn.label.index),
      metadata: try row.optionalText(UploadColumn.metadata.index).map(Self.metadata) ?? [:], digest: digest,
      total: row.optionalInteger(UploadColumn.total.index),
      createdAt: WallTime(milliseconds: row.integer(UploadColumn.createdAt.index)), role: role)
    guard let file = FileState(rawValue: row.text(UploadColumn.file.index)) else {
      throw .engine("the ledger is damaged: what became of the file of upload \(key.logID) cannot be read")
    }
    self.init(
      facts: facts, committed: row.integer(UploadColumn.committed.index),
      granted: row.integer(UploadColumn.granted.index), state: state, epoch: row.integer(UploadColumn.epoch.index),
      expiresAt: WallTime(milliseconds: row.integer(UploadColumn.expiresAt.index)),
      finishedAt: row.optionalInteger(UploadColumn.finishedAt.index).map { WallTime(milliseconds: $0) },
      storeState: row.optionalText(UploadColumn.storeState.index), file: file)
  }

  private static func metadata(_ text: String) throws(LedgerError) -> [String: String] {
    do {
      return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    } catch {
      throw .engine("the ledger is damaged: the metadata of an upload is no JSON object of texts")
    }
  }
}

extension Reservation {
  /// Binds the row of a new upload to ``UploadColumn/insertion``.
  func bind(to row: some StoredParameters, granted: Int64) throws(LedgerError) {
    row.bind(UploadColumn.key.parameter, facts.key.text)
    row.bind(UploadColumn.route.parameter, facts.route)
    row.bind(UploadColumn.owner.parameter, facts.owner)
    row.bind(UploadColumn.subject.parameter, facts.subject)
    row.bind(UploadColumn.format.parameter, facts.format.rawValue)
    row.bind(UploadColumn.label.parameter, facts.label)
    row.bind(UploadColumn.metadata.parameter, try metadataText)
    row.bind(UploadColumn.digest.parameter, facts.digest?.bytes)
    row.bind(UploadColumn.total.parameter, facts.total)
    row.bind(UploadColumn.createdAt.parameter, facts.createdAt.milliseconds)
    row.bind(UploadColumn.committed.parameter, 0)
    row.bind(UploadColumn.granted.parameter, granted)
    row.bind(UploadColumn.state.parameter, UploadRecord.State.open.rawValue)
    row.bind(UploadColumn.epoch.parameter, 1)
    row.bind(UploadColumn.holder.parameter, holder)
    row.bind(UploadColumn.expiresAt.parameter, expiresAt.milliseconds)
    row.bind(UploadColumn.finishedAt.parameter, nil as Int64?)
    row.bind(UploadColumn.storeState.parameter, storeState)
    row.bind(UploadColumn.role.parameter, facts.role.stored)
    row.bind(UploadColumn.file.parameter, UploadRecord.FileState.there.rawValue)
  }

  /// `nil` where there is none, as for most uploads.
  private var metadataText: String? {
    get throws(LedgerError) {
      guard !facts.metadata.isEmpty else { return nil }
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      do {
        return String(decoding: try encoder.encode(facts.metadata), as: UTF8.self)
      } catch {
        throw .engine("the metadata of an upload cannot be written as JSON")
      }
    }
  }
}

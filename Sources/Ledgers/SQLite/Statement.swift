import CSQLite
import GatewayCore

/// One prepared statement, made once and run many times.
///
/// Parameters are `$1`, `$2`, ... in the order of their first use, as PostgreSQL writes them.
final class Statement: StoredRow, StoredParameters {
  private let database: Database
  private let handle: OpaquePointer
  /// Of the first bind that failed since the last step.
  private var bindFailure: Int32 = SQLITE_OK
  /// Whether the last step failed.
  private var hasThrown = false

  init(_ sql: String, in database: Database) throws(LedgerError) {
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(database.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK else { throw database.failure(code) }
    guard let prepared else { throw .engine("an empty statement") }
    self.database = database
    handle = prepared
    // SQLite takes `$2` for a name and numbers names by their first use.
    for index in 0..<sqlite3_bind_parameter_count(prepared) {
      guard let name = sqlite3_bind_parameter_name(prepared, index + 1), String(cString: name) == "$\(index + 1)" else {
        preconditionFailure("parameters out of order in: \(sql)")
      }
    }
  }

  deinit {
    // The result is that of the last step once more.
    sqlite3_finalize(handle)
  }

  func bind(_ index: Int32, _ value: Int64) {
    note(sqlite3_bind_int64(handle, index, value))
  }

  func bind(_ index: Int32, _ value: Int64?) {
    if let value { bind(index, value) } else { note(sqlite3_bind_null(handle, index)) }
  }

  func bind(_ index: Int32, _ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { characters in
        // A null pointer would bind NULL, and an empty buffer may have one.
        note(csqlite_bind_text(handle, index, characters.baseAddress ?? Self.empty, UInt64(characters.count)))
      }
    }
  }

  func bind(_ index: Int32, _ text: String?) {
    if let text { bind(index, text) } else { note(sqlite3_bind_null(handle, index)) }
  }

  func bind(_ index: Int32, _ bytes: [UInt8]?) {
    guard let bytes else { return note(sqlite3_bind_null(handle, index)) }
    bytes.withUnsafeBytes { note(csqlite_bind_blob(handle, index, $0.baseAddress, UInt64($0.count))) }
  }

  /// Goes to the next row; `false` after the last. Throws also where a `bind` before it failed.
  func step() throws(LedgerError) -> Bool {
    if bindFailure != SQLITE_OK {
      let code = bindFailure
      bindFailure = SQLITE_OK
      throw database.failure(code)
    }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code:
      hasThrown = true
      throw database.failure(code)
    }
  }

  /// Ends the run, so that the next can begin and no snapshot is held.
  func reset() {
    let code = sqlite3_reset(handle)
    // After a step that failed it says the same once more.
    if !hasThrown { database.note(code) }
    hasThrown = false
  }

  /// Runs to the end.
  /// - Returns: how many rows it changed.
  @discardableResult
  func run() throws(LedgerError) -> Int {
    defer { reset() }
    while try step() {}
    return Int(sqlite3_changes(database.handle))
  }

  private func note(_ code: Int32) {
    if code != SQLITE_OK, bindFailure == SQLITE_OK { bindFailure = code }
  }

  func integer(_ column: Int32) -> Int64 {
    sqlite3_column_int64(handle, column)
  }

  func optionalInteger(_ column: Int32) -> Int64? {
    isNull(column) ? nil : integer(column)
  }

  func text(_ column: Int32) -> String {
    guard let bytes = sqlite3_column_text(handle, column) else { return "" }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }

  func optionalText(_ column: Int32) -> String? {
    isNull(column) ? nil : text(column)
  }

  func bytes(_ column: Int32) -> [UInt8]? {
    guard !isNull(column) else { return nil }
    guard let bytes = sqlite3_column_blob(handle, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(handle, column))))
  }

  private func isNull(_ column: Int32) -> Bool {
    sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  // Never written to, lives for ever.
  private nonisolated(unsafe) static let empty = UnsafePointer(UnsafeMutablePointer<CChar>.allocate(capacity: 1))
}

import GatewayCore

/// Which places belong to a ledger, and the ledger's own name in their marks.
enum StoreTable {
  /// Gives a ledger that has no name yet one of its own.
  static func nameLedger(in database: Database) throws(LedgerError) {
    guard try database.number("SELECT count(*) FROM identity") == 0 else { return }
    let insert = try Statement("INSERT INTO identity (id) VALUES ($1)", in: database)
    insert.bind(1, UploadKey.mint().text)
    try insert.run()
  }

  static func ledgerID(in database: Database) throws(LedgerError) -> String {
    let id = try database.text("SELECT id FROM identity")
    guard !id.isEmpty else { throw .engine("the ledger is damaged: it has no name of its own") }
    return id
  }

  static func stores(in database: Database) throws(LedgerError) -> [KnownStore] {
    let list = try Statement("SELECT route, id, directory FROM store ORDER BY route", in: database)
    defer { list.reset() }
    var stores: [KnownStore] = []
    while try list.step() {
      stores.append(KnownStore(route: list.text(0), id: list.text(1), directory: list.text(2)))
    }
    return stores
  }

  static func note(_ store: KnownStore, in database: Database) throws(LedgerError) {
    let note = try Statement(
      """
      INSERT INTO store (route, id, directory) VALUES ($1, $2, $3)
      ON CONFLICT (route) DO UPDATE SET id = excluded.id, directory = excluded.directory
      """, in: database)
    note.bind(1, store.route)
    note.bind(2, store.id)
    note.bind(3, store.directory)
    try note.run()
  }
}

import CSQLite
import GatewayCore

/// What is in a ledger's file, and how an older one is brought up to date.
///
/// The text is SQL that PostgreSQL takes as well; `bytea` is to SQLite a name without meaning, and fits any value.
enum LedgerSchema {
  /// In the header of every ledger (`PRAGMA application_id`): "SLUI".
  static let applicationID: Int64 = 0x534c_5549

  /// `migrations[n]` leads from schema n to schema n + 1. What was released never changes; only new ones are added.
  static let migrations = [
    """
    CREATE TABLE quota (
      route text NOT NULL,
      subject text NOT NULL,
      win bigint NOT NULL,
      reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0),
      used bigint NOT NULL DEFAULT 0 CHECK (used >= 0),
      cap bigint NOT NULL,
      CHECK (used + reserved <= cap),
      PRIMARY KEY (route, subject, win));

    CREATE TABLE upload (
      key text NOT NULL PRIMARY KEY,
      route text NOT NULL,
      owner text NOT NULL,
      total bigint CHECK (total >= 0),
      committed bigint NOT NULL DEFAULT 0 CHECK (committed >= 0),
      granted bigint NOT NULL CHECK (granted >= 0),
      state text NOT NULL CHECK (state IN ('open', 'failed', 'done')),
      epoch bigint NOT NULL,
      holder text NOT NULL,
      format text NOT NULL,
      label text,
      digest bytea,
      created_at bigint NOT NULL,
      expires_at bigint NOT NULL,
      finished_at bigint,
      CHECK (state <> 'open' OR committed <= granted));

    CREATE INDEX upload_unfinished ON upload (route, created_at) WHERE state <> 'done';

    CREATE TABLE upload_quota (
      key text NOT NULL,
      subject text NOT NULL,
      win bigint NOT NULL,
      low bigint NOT NULL,
      high bigint NOT NULL CHECK (low < high),
      PRIMARY KEY (key, subject, win, low));
    """,
    // Who began it, for the limits of each client and for lists by client.
    """
    ALTER TABLE upload ADD COLUMN subject text NOT NULL DEFAULT '';
    """,
    // How its forwarder keeps it, and which places belong to which ledger.
    """
    ALTER TABLE upload ADD COLUMN store_state text;

    CREATE TABLE identity (id text NOT NULL PRIMARY KEY);

    CREATE TABLE store (
      route text NOT NULL PRIMARY KEY,
      id text NOT NULL,
      directory text NOT NULL);
    """,
    // What a client says of its file beside the label, as a JSON object of texts.
    """
    ALTER TABLE upload ADD COLUMN metadata text;
    """,
    // What it is for: nothing for itself, `part`, or `final` with the keys of its parts.
    """
    ALTER TABLE upload ADD COLUMN role text;
    """,
    // What became of a complete upload's file; and orders for many: of lists, and of what gets old.
    """
    ALTER TABLE upload ADD COLUMN file text NOT NULL DEFAULT '' CHECK (file IN ('', 'leaving', 'gone'));

    CREATE INDEX upload_age ON upload (route, created_at);

    CREATE INDEX upload_done ON upload (route, file, finished_at) WHERE state = 'done';
    """,
    // What others have yet to hear of uploads; a row goes once its target has it.
    """
    CREATE TABLE event (
      number bigint NOT NULL,
      id text NOT NULL,
      target text NOT NULL,
      key text NOT NULL,
      kind text NOT NULL,
      at bigint NOT NULL,
      body text NOT NULL,
      tries bigint NOT NULL,
      since bigint NOT NULL,
      due_at bigint NOT NULL,
      dead_at bigint,
      reason text,
      claimed_by text,
      claimed_until bigint,
      PRIMARY KEY (target, id));

    CREATE INDEX event_order ON event (number);

    CREATE INDEX event_due ON event (target, due_at, number) WHERE dead_at IS NULL;

    CREATE INDEX event_upload ON event (key, number);
    """,
  ]

  /// The schema that this release writes and reads.
  static var known: Int64 { Int64(migrations.count) }

  /// What a file turned out to be.
  enum Found: Equatable {
    case nothing
    case ledger(schema: Int64)
    case foreign
  }

  /// Looks without changing anything.
  static func inspect(_ database: Database) throws(LedgerError) -> Found {
    do {
      let application = try database.number("PRAGMA application_id")
      let schema = try database.number("PRAGMA user_version")
      if application == applicationID { return .ledger(schema: schema) }
      let objects = try database.number("SELECT count(*) FROM sqlite_schema")
      return application == 0 && schema == 0 && objects == 0 ? .nothing : .foreign
    } catch {
      if database.lastCode == SQLITE_NOTADB { return .foreign }
      throw error
    }
  }

  /// Brings a ledger of `schema` up to date, in one transaction.
  static func migrate(_ database: Database, from schema: Int64) throws(LedgerError) {
    guard schema < known else { return }
    try database.execute("BEGIN IMMEDIATE")
    do throws(LedgerError) {
      for migration in migrations[Int(schema)...] { try database.execute(migration) }
      try database.execute("PRAGMA application_id = \(applicationID)")
      try database.execute("PRAGMA user_version = \(known)")
      try database.execute("COMMIT")
    } catch {
      if database.isInTransaction { try? database.execute("ROLLBACK") }
      throw error
    }
  }
}

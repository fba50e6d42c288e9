import Foundation

/// A PostgreSQL server of the tests' own, in a temporary folder, behind a socket there; it ends with the process that began
/// it, however that ends. Where `DATABASE_URL` is set, the tests use that database instead.
public final class PostgreSQLServer: Sendable {
  /// The one of this process; `nil` where there is none to be had.
  public static let shared: PostgreSQLServer? = PostgreSQLServer()

  private let connection: String
  private let keeper: Process?

  /// What every test that needs it asks.
  public static func required() throws -> PostgreSQLServer? {
    guard try Prerequisite.isMet(shared != nil, "a PostgreSQL server (package postgresql, or DATABASE_URL)") else {
      return nil
    }
    return shared
  }

  private init?() {
    if let url = ProcessInfo.processInfo.environment["DATABASE_URL"], !url.isEmpty {
      (connection, keeper) = (url, nil)
      return
    }
    // A socket's path has at most 107 bytes.
    let folder = "/tmp/pg." + UUID().uuidString.prefix(8)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", Self.script, "postgresql", folder]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    // Whoever waits for the end of the tests' own is not to wait for the server's.
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil,
      String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("ready")
    else { return nil }
    (connection, keeper) = ("host=\(folder) user=gateway dbname=postgres", process)
  }

  /// A connection string of an empty place in the database, for the length of a closure.
  public func withPlace(_ body: (String) async throws -> Void) async throws {
    let name = "test_" + UUID().uuidString.prefix(8).lowercased()
    try run("CREATE SCHEMA \(name)")
    defer { try? run("DROP SCHEMA \(name) CASCADE") }
    try await body(place(called: name))
  }

  private func place(called name: String) -> String {
    guard connection.contains("://") else { return connection + " options='-c search_path=\(name)'" }
    return connection + (connection.contains("?") ? "&" : "?") + "options=-c%20search_path%3D\(name)"
  }

  /// Has `psql` do `sql`.
  public func run(_ sql: String) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", connection, "-c", sql]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw MissingPrerequisite(what: "a database that does: \(sql)") }
  }

  // Its input ends with this process.
  private static let script = """
    set -eu
    folder=$1
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
    [ -x "$bin/postgres" ]
    # The server refuses to run as root.
    as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
    mkdir -p "$folder"
    if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
    cd "$folder"
    as "$bin/initdb" -D "$folder/data" -U gateway -A trust -E UTF8 --no-locale >"$folder/log" 2>&1
    as "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c max_connections=200 \\
      >>"$folder/log" 2>&1 </dev/null &
    server=$!
    until "$bin/pg_isready" -q -h "$folder"; do
      kill -0 "$server"
      sleep 0.05
    done
    echo ready
    cat >/dev/null || true
    kill -INT "$(head -1 "$folder/data/postmaster.pid")"
    wait || true
    rm -rf "$folder"
    """
}

/// How a ledger in a database is reached.
package struct DatabaseSettings: Hashable, Sendable {
  /// A connection string or URL as libpq takes it, without a password.
  package var connection: String
  /// How many connections to it the gateway has, 1 to 64.
  package var connections: Int
  /// The gateway's own name.
  package var name: String

  /// All of it.
  package init(connection: String, connections: Int = 8, name: String = "sluice") {
    self.connection = connection
    self.connections = connections
    self.name = name
  }

  /// What the database's list of connections calls the gateway.
  var applicationName: String { name == "sluice" ? name : "sluice \(name)" }
}

#if PostgreSQL
  /// Whether a server keeps what it commits.
  enum DatabaseServer {
    /// - Throws: ``DatabaseFailure/failed(_:)`` with what to change, where a power cut could take back what was committed.
    static func check(_ connection: DatabaseConnection) throws(DatabaseFailure) {
      let asked = Command(
        """
        SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
        """)
      let rows = try connection.exchange([asked]).first
      for (name, setting) in rows?.map({ ($0.text(0), $0.text(1)) }) ?? [] where setting == "off" {
        throw .failed("the server has `\(name) = off`, and would lose what is safe with a power cut: set it to `on`")
      }
    }
  }
#endif

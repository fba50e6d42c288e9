#if PostgreSQL
  import CPostgreSQL

  /// What the database is spoken to with.
  package enum DatabaseLibrary {
    /// Its name and version.
    package static var version: String {
      let number = PQlibVersion()
      return "libpq \(number / 10_000).\(number % 10_000)"
    }
  }

  /// Looks into a connection string or URL, as libpq takes it, without connecting.
  package enum ConnectionText {
    /// What is wrong with it; `nil` where libpq takes it and there is no secret in it.
    package static func fault(in text: String) -> (message: String, hint: String)? {
      var message: UnsafeMutablePointer<CChar>?
      guard let options = PQconninfoParse(text, &message) else {
        defer { if let message { PQfreemem(message) } }
        // libpq repeats what it did not understand, which may be half a password.
        return (
          "libpq does not take it for a connection",
          "write `service=NAME`, `host=HOST dbname=NAME user=NAME` or `postgresql://USER@HOST/NAME`"
        )
      }
      defer { PQconninfoFree(options) }
      let secrets = values(options).filter { ["password", "sslpassword"].contains($0.key) }
      guard secrets.isEmpty else {
        return (
          "it has a password in it, which whoever reads this file would know",
          "leave it out, and write it to a password file (`passfile=FILE`, `~/.pgpass`) or into the service's environment"
        )
      }
      return nil
    }

    /// The files that it names.
    package static func files(in text: String) -> [String] {
      guard let options = PQconninfoParse(text, nil) else { return [] }
      defer { PQconninfoFree(options) }
      return ["passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"].compactMap { key in
        values(options).first { $0.key == key }?.value
      }.filter { $0.hasPrefix("/") }
    }

    private static func values(_ options: UnsafeMutablePointer<PQconninfoOption>) -> [(key: String, value: String)] {
      var values: [(String, String)] = []
      var option = options
      while let keyword = option.pointee.keyword {
        if let value = option.pointee.val { values.append((String(cString: keyword), String(cString: value))) }
        option += 1
      }
      return values
    }
  }
#endif

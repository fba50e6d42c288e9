#if PostgreSQL
  /// The database's clock, which all gateways go by.
  enum DatabaseClock {
    /// An SQL expression: milliseconds since 1970, at the moment when it is evaluated.
    static let now = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"
  }
#endif

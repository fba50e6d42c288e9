#if PostgreSQL
  import CPostgreSQL
  import GatewayCore

  /// Why something that was asked of the database did not come about.
  enum DatabaseFailure: Error {
    /// It did what was asked, and that is the answer.
    case refused(LedgerError)
    /// Transactions were in each other's way: nothing was done, and the same may succeed now.
    case again(String)
    /// The server is gone, or has become one that may not write. What was under way may have been done.
    case lost(String)
    /// A CHECK does not allow it: nothing was done.
    case check(constraint: String)
    /// There is one of that key: nothing was done.
    case duplicate
    /// There is a table of that name: nothing was done.
    case tableExists(String)
    /// Anything else, in the server's words.
    case failed(String)

    /// - Parameters:
    ///   - result: of a command that failed.
    ///   - isBroken: whether the connection is.
    init(_ result: OpaquePointer, isBroken: Bool) {
      let state = sluice_pq_state(result).map { String(cString: $0) } ?? ""
      let words = sluice_pq_message(result).map { String(cString: $0) } ?? String(cString: PQresultErrorMessage(result))
      let message = words.split(separator: "\n").joined(separator: " ") + (state.isEmpty ? "" : " (\(state))")
      switch state {
      // serialization_failure, deadlock_detected, lock_not_available, query_canceled, invalid_sql_statement_name.
      case "40001", "40P01", "55P03", "57014", "26000": self = .again(message)
      // read_only_sql_transaction, idle_in_transaction_session_timeout, too_many_connections; and the server's own end.
      case "25006", "25P03", "53300", "57P01", "57P02", "57P03", "57P05": self = .lost(message)
      case _ where state.hasPrefix("08") || isBroken: self = .lost(message)
      // check_violation; numeric_value_out_of_range, where a sum is more than any cap.
      case "23514": self = .check(constraint: sluice_pq_constraint(result).map { String(cString: $0) } ?? "")
      case "22003": self = .check(constraint: "")
      case "23505": self = .duplicate
      case "42P07": self = .tableExists(message)
      default: self = .failed(message)
      }
    }

    /// For one who tries nothing again.
    var asLedgerError: LedgerError {
      switch self {
      case .refused(let error): error
      case .again(let what), .lost(let what), .failed(let what), .tableExists(let what): .engine(what)
      case .check(let constraint): .engine("the database's constraint \(constraint) does not allow it")
      case .duplicate: .engine("the ledger has an upload of that key")
      }
    }
  }
#endif

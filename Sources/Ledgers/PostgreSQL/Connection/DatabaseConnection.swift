#if PostgreSQL
  import CPostgreSQL
  import GatewayCore
  import Glibc

  /// One connection to the database. For one thread, which blocks while it waits for an answer, and no longer than it says.
  ///
  /// All that is asked at once goes out in one piece (libpq's pipeline), so that it costs one way to the server and back.
  final class DatabaseConnection {
    /// How long the server may take to answer, in milliseconds. What it does not do until then is taken for lost.
    static let patience = 10_000

    private let handle: OpaquePointer
    /// What is prepared on this connection, by its text.
    private var names: [String: String] = [:]
    private var lastName = 0

    /// Connects. Blocks for some seconds for each of the servers that are named.
    ///
    /// - Parameters:
    ///   - text: a connection string or URL as libpq takes it. All that it does not say libpq finds by its own means: service
    ///     file, environment, password file.
    ///   - name: of who connects, for the server's list of connections.
    /// - Throws: ``DatabaseFailure/lost(_:)``.
    init(_ text: String, name: String) throws(DatabaseFailure) {
      // What stands before `dbname`, which stands for the whole text, is a default; what stands after it is not.
      let parameters = [
        ("target_session_attrs", "read-write"), ("application_name", name), ("connect_timeout", "3"),
        ("keepalives_idle", "5"), ("keepalives_interval", "2"), ("keepalives_count", "3"),
        ("tcp_user_timeout", "\(Self.patience)"), ("dbname", text), ("client_encoding", "UTF8"),
      ]
      let keywords = parameters.map { strdup($0.0) }
      let values = parameters.map { strdup($0.1) }
      defer { for pointer in keywords + values { free(pointer) } }
      let constantKeywords = keywords.map { UnsafePointer<CChar>($0) } + [nil]
      let constantValues = values.map { UnsafePointer<CChar>($0) } + [nil]
      guard let handle = PQconnectdbParams(constantKeywords, constantValues, 1) else {
        throw .lost("there is no memory for a connection")
      }
      guard PQstatus(handle) == CONNECTION_OK else {
        defer { PQfinish(handle) }
        throw .lost(Self.message(of: handle))
      }
      self.handle = handle
      sluice_pq_be_quiet(handle)
      guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else {
        throw .lost(Self.message(of: handle))
      }
      // A gateway that is stopped in the middle must not keep others from a row for long. A server that knows none of these
      // does without.
      _ = try exchange([
        [Command("SET idle_in_transaction_session_timeout = 5000")], [Command("SET lock_timeout = 3000")],
        [Command("SET statement_timeout = 60000")],
      ])
    }

    deinit {
      PQfinish(handle)
    }

    /// Whether a transaction is open, or has failed and waits for its end.
    var isInTransaction: Bool { PQtransactionStatus(handle) != PQTRANS_IDLE }

    /// Does all of `commands`; the first that fails ends the whole, and an open transaction with it.
    ///
    /// - Parameter milliseconds: how long the server may take.
    /// - Returns: what each came to.
    @discardableResult
    func exchange(
      _ commands: [Command], within milliseconds: Int = DatabaseConnection.patience
    ) throws(DatabaseFailure) -> [Rows] {
      guard let outcome = try exchange([commands], within: milliseconds).first else { return [] }
      return try outcome.get()
    }

    /// Does several groups of commands; one that fails leaves the others alone.
    ///
    /// - Returns: what each group came to.
    /// - Throws: ``DatabaseFailure/lost(_:)``.
    func exchange(
      _ groups: [[Command]], within milliseconds: Int = DatabaseConnection.patience
    ) throws(DatabaseFailure) -> [Result<[Rows], DatabaseFailure>] {
      let deadline = ContinuousClock.now + .milliseconds(milliseconds)
      var expected: [[Step]] = []
      for group in groups {
        var steps: [Step] = []
        for command in group { try send(command, &steps) }
        guard PQpipelineSync(handle) == 1 else { throw .lost(Self.message(of: handle)) }
        expected.append(steps)
      }
      var outcomes: [Result<[Rows], DatabaseFailure>] = []
      for steps in expected { outcomes.append(try receive(steps, by: deadline)) }
      return outcomes
    }

    // MARK: Sending

    private enum Step {
      case prepare(String)
      case command
    }

    private func send(_ command: Command, _ steps: inout [Step]) throws(DatabaseFailure) {
      guard !command.values.contains(where: { $0?.utf8.contains(0) ?? false }) else {
        throw .failed("a text with a NUL cannot be kept")
      }
      let name: String
      if let known = names[command.sql] {
        name = known
      } else {
        lastName += 1
        name = "s\(lastName)"
        names[command.sql] = name
        guard PQsendPrepare(handle, name, command.sql, 0, nil) == 1 else { throw .lost(Self.message(of: handle)) }
        steps.append(.prepare(command.sql))
      }
      let copies = command.values.map { $0.map { strdup($0) } ?? nil }
      defer { for copy in copies { free(copy) } }
      let values = copies.map { $0.map { UnsafePointer<CChar>($0) } }
      guard PQsendQueryPrepared(handle, name, Int32(values.count), values, nil, nil, 0) == 1 else {
        throw .lost(Self.message(of: handle))
      }
      steps.append(.command)
    }

    // MARK: Receiving

    private func receive(
      _ steps: [Step], by deadline: ContinuousClock.Instant
    ) throws(DatabaseFailure) -> Result<[Rows], DatabaseFailure> {
      var rows: [Rows] = []
      var failure: DatabaseFailure?
      for step in steps {
        guard let result = try next(by: deadline) else { throw .lost("the server left an answer out") }
        let status = PQresultStatus(result)
        switch status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
          if case .command = step { rows.append(Rows(owning: result)) } else { PQclear(result) }
        default:
          if case .prepare(let sql) = step { names[sql] = nil }
          if failure == nil, status != PGRES_PIPELINE_ABORTED {
            let found = DatabaseFailure(result, isBroken: PQstatus(handle) == CONNECTION_BAD)
            if case .lost = found {
              PQclear(result)
              throw found
            }
            // A pooler may have given us another server's session.
            if case .again = found, String(cString: PQresultErrorMessage(result)).contains("prepared statement") {
              names = [:]
            }
            failure = found
          }
          PQclear(result)
        }
        while let more = try next(by: deadline) { PQclear(more) }
      }
      guard let sync = try next(by: deadline) else { throw .lost("the server left the end of an answer out") }
      defer { PQclear(sync) }
      guard PQresultStatus(sync) == PGRES_PIPELINE_SYNC else { throw .lost(Self.message(of: handle)) }
      return failure.map { .failure($0) } ?? .success(rows)
    }

    private func next(by deadline: ContinuousClock.Instant) throws(DatabaseFailure) -> OpaquePointer? {
      var isFlushed = PQflush(handle)
      while PQisBusy(handle) == 1 {
        guard isFlushed >= 0 else { throw .lost(Self.message(of: handle)) }
        let left = (deadline - .now) / .milliseconds(1)
        guard left > 0 else { throw .lost("the database did not answer in time") }
        var place = pollfd(
          fd: PQsocket(handle), events: Int16(POLLIN) | (isFlushed > 0 ? Int16(POLLOUT) : 0), revents: 0)
        guard poll(&place, 1, Int32(left.rounded(.up))) >= 0 || errno == EINTR else {
          throw .lost("waiting for the database: \(String(cString: strerror(errno)))")
        }
        guard PQconsumeInput(handle) == 1 else { throw .lost(Self.message(of: handle)) }
        isFlushed = PQflush(handle)
      }
      return PQgetResult(handle)
    }

    private static func message(of handle: OpaquePointer) -> String {
      let words = String(cString: PQerrorMessage(handle)).split { $0.isWhitespace }.joined(separator: " ")
      return words.isEmpty ? "the connection to the database is lost" : words
    }
  }
#endif

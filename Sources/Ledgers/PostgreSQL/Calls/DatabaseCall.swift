#if PostgreSQL
  import GatewayCore
  import NIOCore

  /// One call that waits for its lane: what to ask the database, and how to answer.
  struct DatabaseCall: Sendable {
    /// How long a call may take where the database is away or transactions are in each other's way.
    enum Patience {
      /// Somebody waits who can be told to come again.
      case brief
      /// Bytes are safe, and only their record is missing: for as long as the lease may last.
      case lease

      var duration: Duration {
        switch self {
        case .brief: .seconds(3)
        case .lease: .seconds(15)
        }
      }
    }

    /// Which upload it is about; calls about one are done in their order.
    let key: UploadKey?
    let expiresAt: ContinuousClock.Instant
    /// A statement that is a transaction of its own and mostly all of the call: it may be sent along with others'.
    let statement: Command?
    private let work: Work
    private let refuse: @Sendable (LedgerError) -> Void

    typealias Work = @Sendable (DatabaseSession) throws(DatabaseFailure) -> @Sendable () -> Void

    /// - Parameters:
    ///   - promise: of the answer.
    ///   - body: the call itself; it may be done again from its beginning after a failure.
    init<Value: Sendable>(
      _ promise: EventLoopPromise<Value>, about key: UploadKey?, _ patience: Patience, statement: Command? = nil,
      _ body: @escaping @Sendable (DatabaseSession) throws(DatabaseFailure) -> Value
    ) {
      self.key = key
      self.statement = statement
      expiresAt = .now + patience.duration
      work = { (session) throws(DatabaseFailure) in
        let value = try body(session)
        return { promise.succeed(value) }
      }
      refuse = { promise.fail($0) }
    }

    /// Asks the database.
    ///
    /// - Returns: gives the answer.
    func perform(in session: DatabaseSession) throws(DatabaseFailure) -> @Sendable () -> Void {
      try work(session)
    }

    /// Answers that it came to nothing.
    func fail(_ error: LedgerError) { refuse(error) }
  }

  /// A connection as one call has it.
  struct DatabaseSession {
    let connection: DatabaseConnection
    /// Whether an earlier try may have been committed, its answer lost.
    var isRepeated = false
    /// What the call's own statement came to, where that was sent along with others'.
    var answer: [Rows]?

    /// What ``DatabaseCall/statement`` came to.
    func rows(of statement: Command) throws(DatabaseFailure) -> Rows {
      if let rows = answer?.first { return rows }
      return try one(statement)
    }

    /// Does commands, in one piece. The first that fails ends the whole, and an open transaction with it.
    @discardableResult
    func exchange(_ commands: [Command]) throws(DatabaseFailure) -> [Rows] {
      try connection.exchange(commands)
    }

    /// Does one command.
    func one(_ command: Command) throws(DatabaseFailure) -> Rows {
      guard let rows = try connection.exchange([command]).first else { throw .failed("a command without an answer") }
      return rows
    }

    /// Takes back what the open transaction did, and asks what comes after it.
    func rollBack(then commands: [Command] = []) throws(DatabaseFailure) -> [Rows] {
      Array(try exchange([.rollback] + commands).dropFirst())
    }
  }
#endif

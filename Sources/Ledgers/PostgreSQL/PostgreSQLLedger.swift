#if PostgreSQL
  import GatewayCore
  import NIOCore
  import Synchronization

  /// The ledger of any number of gateways, in PostgreSQL or a database that takes its protocol and SQL.
  ///
  /// Calls may come from any thread. Each is a transaction; all that the answer says has been committed. Calls about one upload
  /// are done in their order, on one of several connections, which each have a thread. Close it before the event loops that
  /// calls are made on are shut down.
  package final class PostgreSQLLedger: Sendable {
    private let lanes: [DatabaseLane]
    /// For the gateway's lease alone: it is not to wait behind an upload's call.
    private let leaseLane: DatabaseLane
    let holders: GatewayHolders
    private let nextLane = Atomic(0)
    /// Proves that no other gateway of this machine remembers in the same folder.
    private let lock: FileLock?

    /// Connects, makes the ledger where there is none, and brings one of an older release up to date. Blocks.
    ///
    /// - Parameters:
    ///   - path: a file in the gateway's own folder, beside which it has a lock as an ``EmbeddedLedger`` would; `nil` for none.
    ///   - onNotice: is told what an operator should hear, on a thread of the ledger's own.
    /// - Throws: ``LedgerOpenError``.
    package convenience init(
      _ settings: DatabaseSettings, besides path: String? = nil,
      onNotice: @escaping @Sendable (LedgerNotice) -> Void = { _ in }
    ) throws(LedgerOpenError) {
      try self.init(settings, besides: path, demandsDurability: true, onNotice: onNotice)
    }

    /// - Parameter demandsDurability: whether a server that does not flush what it commits is refused.
    init(
      _ settings: DatabaseSettings, besides path: String?, demandsDurability: Bool,
      onNotice: @escaping @Sendable (LedgerNotice) -> Void = { _ in }
    ) throws(LedgerOpenError) {
      if let path { lock = try FileLock(besides: path) } else { lock = nil }
      do throws(DatabaseFailure) {
        let connection = try DatabaseConnection(settings.connection, name: settings.applicationName)
        if demandsDurability { try DatabaseServer.check(connection) }
        if case .newer(let schema) = try SharedSchema.migrate(connection) {
          throw .failed("a newer release wrote it (schema \(schema)): use that release")
        }
      } catch {
        throw LedgerOpenError(error, settings)
      }
      let presence = DatabasePresence(tell: onNotice)
      lanes = (0..<settings.connections).compactMap { _ in DatabaseLane(settings, presence: presence) }
      holders = GatewayHolders(besides: path)
      guard !lanes.isEmpty, let leaseLane = DatabaseLane(settings, presence: presence) else {
        throw .engine(path: settings.connection, description: "the system has no thread for it")
      }
      self.leaseLane = leaseLane
    }

    deinit {
      close()
    }

    /// Does the calls that wait, as far as the database can be reached. Blocks until that is done. Calls that come later fail
    /// with ``/GatewayCore/LedgerError/engine(_:)``. A second call does nothing.
    package func close() {
      for lane in lanes + [leaseLane] { lane.close() }
      for lane in lanes + [leaseLane] { lane.join() }
      lock?.unlock()
    }

    /// - Parameters:
    ///   - key: of the upload that it is about, if it is about one.
    ///   - statement: what the call mostly is no more than.
    func submit<Value: Sendable>(
      on eventLoop: any EventLoop, about key: UploadKey? = nil, _ patience: DatabaseCall.Patience,
      statement: Command? = nil, _ body: @escaping @Sendable (DatabaseSession) throws(DatabaseFailure) -> Value
    ) -> EventLoopFuture<Value> {
      let number = key.map(\.hashValue) ?? nextLane.add(1, ordering: .relaxed).newValue
      let lane = lanes[Int(UInt(bitPattern: number) % UInt(lanes.count))]
      return append(to: lane, on: eventLoop, about: key, patience, statement: statement, body)
    }

    private func append<Value: Sendable>(
      to lane: DatabaseLane, on eventLoop: any EventLoop, about key: UploadKey?, _ patience: DatabaseCall.Patience,
      statement: Command?, _ body: @escaping @Sendable (DatabaseSession) throws(DatabaseFailure) -> Value
    ) -> EventLoopFuture<Value> {
      let promise = eventLoop.makePromise(of: Value.self)
      if !lane.append(DatabaseCall(promise, about: key, patience, statement: statement, body)) {
        promise.fail(LedgerError.engine("the ledger is closed"))
      }
      return promise.futureResult
    }
  }

  extension PostgreSQLLedger {
    /// What concerns the gateway's lease; in its order.
    func submitLease<Value: Sendable>(
      on eventLoop: any EventLoop, _ body: @escaping @Sendable (DatabaseSession) throws(DatabaseFailure) -> Value
    ) -> EventLoopFuture<Value> {
      append(to: leaseLane, on: eventLoop, about: nil, .brief, statement: nil, body)
    }
  }

  extension LedgerOpenError {
    init(_ failure: DatabaseFailure, _ settings: DatabaseSettings) {
      switch failure {
      case .tableExists(let what):
        self = .engine(
          path: settings.connection,
          description: "\(what), and it is none of a ledger's: give the ledger a database or a schema of its own")
      default: self = .engine(path: settings.connection, description: failure.asLedgerError.logDescription)
      }
    }
  }
#endif

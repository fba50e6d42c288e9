#if PostgreSQL
  import GatewayCore
  import Glibc
  import Synchronization

  /// One connection with its thread: does the calls of its queue, in their order, and makes itself a new connection when
  /// the old one is lost.
  final class DatabaseLane: Sendable {
    private let queue = LaneQueue()
    private let thread: Mutex<pthread_t?>

    /// Begins; connects with the first call.
    ///
    /// - Parameter presence: hears whether the database can be reached.
    /// - Returns: `nil` where the system has no thread to give.
    init?(_ settings: DatabaseSettings, presence: DatabasePresence) {
      var started = pthread_t()
      let passed = Unmanaged.passRetained(LaneRunner(settings, queue: queue, presence: presence))
      let code = pthread_create(
        &started, nil,
        { argument in
          if let argument { Unmanaged<LaneRunner>.fromOpaque(argument).takeRetainedValue().run() }
          return nil
        }, passed.toOpaque())
      guard code == 0 else {
        passed.release()
        return nil
      }
      thread = Mutex(started)
    }

    /// - Returns: `false` once it is closed.
    func append(_ call: DatabaseCall) -> Bool { queue.append(call) }

    /// Takes no more calls.
    func close() { queue.close() }

    /// Waits until the calls that were waiting are answered. ``close()`` comes before it.
    func join() {
      thread.withLock { thread in
        if let started = thread { pthread_join(started, nil) }
        thread = nil
      }
    }
  }

  /// What a lane's thread does.
  private final class LaneRunner {
    /// Statements of different uploads that are sent in one piece.
    private static let together = 64

    private let settings: DatabaseSettings
    private let queue: LaneQueue
    private let presence: DatabasePresence
    private var connection: DatabaseConnection?

    init(_ settings: DatabaseSettings, queue: LaneQueue, presence: DatabasePresence) {
      self.settings = settings
      self.queue = queue
      self.presence = presence
    }

    func run() {
      var batch: [DatabaseCall] = []
      while queue.next(into: &batch) {
        var rest = batch[...]
        while let call = rest.first {
          let group = Self.group(at: rest)
          if group.count > 1 {
            performTogether(group)
            rest = rest.dropFirst(group.count)
          } else {
            perform(call, answer: nil, isRepeated: false)
            rest = rest.dropFirst()
          }
        }
        batch.removeAll(keepingCapacity: true)
      }
    }

    /// The next calls that are a statement each, none of them about an upload that another is about.
    private static func group(at calls: ArraySlice<DatabaseCall>) -> ArraySlice<DatabaseCall> {
      var keys: Set<UploadKey> = []
      return calls.prefix { call in
        guard call.statement != nil, let key = call.key, keys.count < together else { return false }
        return keys.insert(key).inserted
      }
    }

    private func performTogether(_ calls: ArraySlice<DatabaseCall>) {
      var answers: [Result<[Rows], DatabaseFailure>] = []
      var isLost = false
      if let connection {
        do throws(DatabaseFailure) {
          answers = try connection.exchange(calls.map { [$0.statement].compactMap { $0 } })
        } catch {
          self.connection = nil
          isLost = true
        }
      }
      for (index, call) in calls.enumerated() {
        let answer = answers.indices.contains(index) ? try? answers[index].get() : nil
        perform(call, answer: answer, isRepeated: isLost)
      }
    }

    /// Does it until it is done, or its time is over.
    private func perform(_ call: DatabaseCall, answer: [Rows]?, isRepeated: Bool) {
      var (answer, isRepeated) = (answer, isRepeated)
      var attempt = 0
      while true {
        let why: String
        do throws(DatabaseFailure) {
          let connection = try connected()
          let deliver = try call.perform(
            in: DatabaseSession(connection: connection, isRepeated: isRepeated, answer: answer))
          presence.isThere()
          return deliver()
        } catch {
          let wasConnected = connection != nil
          end(error)
          switch error {
          case .refused(let error): return call.fail(error)
          case .again(let what): why = what
          case .lost(let what):
            // One that was lost may be had anew at once, after a restart or a fail-over.
            if !wasConnected { presence.isAway(what) }
            isRepeated = isRepeated || wasConnected
            why = "the database cannot be reached: \(what)"
          case .check, .duplicate, .failed, .tableExists: return call.fail(error.asLedgerError)
          }
          if ContinuousClock.now >= call.expiresAt || queue.isClosed {
            if case .lost = error { return call.fail(.away(why)) }
            return call.fail(.engine(why))
          }
        }
        answer = nil
        attempt += 1
        // By chance, so that those who were in each other's way do not meet again.
        usleep(UInt32.random(in: 1000...5000) * UInt32(connection == nil ? 50 : min(attempt, 20)))
      }
    }

    private func connected() throws(DatabaseFailure) -> DatabaseConnection {
      if let connection { return connection }
      let new = try DatabaseConnection(settings.connection, name: settings.applicationName)
      connection = new
      return new
    }

    /// Ends what a call left open.
    private func end(_ failure: DatabaseFailure) {
      if case .lost = failure { return connection = nil }
      guard let connection, connection.isInTransaction else { return }
      do throws(DatabaseFailure) {
        try connection.exchange([.rollback])
      } catch {
        self.connection = nil
      }
    }
  }
#endif

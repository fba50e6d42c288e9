import Synchronization

/// Counts the uploads of one route that a connection has, or waits for, in all and by client.
final class ConnectedUploads: Sendable {
  fileprivate struct State {
    var count = 0
    var countByClient: [String: Int] = [:]
  }

  private let state = Mutex(State())

  /// How many there are. One that waits for another's upload is counted with it.
  var count: Int { state.withLock { $0.count } }

  /// How many clients have one.
  var clientCount: Int { state.withLock { $0.countByClient.count } }

  /// How many a client has.
  ///
  /// - Parameter subject: ``ClientIdentity/subject``.
  func count(of subject: String) -> Int { state.withLock { $0.countByClient[subject, default: 0] } }

  /// Counts a change of the client's uploads alone: it takes over another client's, or has lost one to another.
  func change(_ subject: String, by change: Int) {
    state.withLock { $0.change(subject, by: change) }
  }

  /// Counts one more, where there are fewer than `limit`.
  ///
  /// - Returns: whether there were.
  func add(_ subject: String, limit: Int) -> Bool {
    state.withLock { state in
      guard state.count < limit else { return false }
      state.count += 1
      state.change(subject, by: 1)
      return true
    }
  }

  /// Counts one less.
  func remove(_ subject: String) {
    state.withLock { state in
      state.count -= 1
      state.change(subject, by: -1)
    }
  }
}

extension ConnectedUploads.State {
  // Clients come and go, so one that has none is not kept.
  fileprivate mutating func change(_ subject: String, by change: Int) {
    let count = countByClient[subject, default: 0] + change
    countByClient[subject] = count == 0 ? nil : count
  }
}

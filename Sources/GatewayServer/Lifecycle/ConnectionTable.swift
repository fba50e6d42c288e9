import NIOCore
import Synchronization

/// The connections that are open: bounds their number, and reaches them all when the gateway goes away.
final class ConnectionTable: Sendable {
  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isClosed = false
    var whenEmpty: [CheckedContinuation<Void, Never>] = []
  }

  private let limit: Int
  private let state = Mutex(State())

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether the connection may stay. It leaves the table by itself when it closes.
  func admit(_ channel: any Channel) -> Bool {
    let id = ObjectIdentifier(channel)
    let isAdmitted = state.withLock { state in
      guard !state.isClosed, state.channels.count < limit else { return false }
      state.channels[id] = channel
      return true
    }
    if isAdmitted { channel.closeFuture.whenComplete { _ in self.remove(id) } }
    return isAdmitted
  }

  /// Those that are open now.
  var open: [any Channel] { state.withLock { Array($0.channels.values) } }

  var count: Int { state.withLock { $0.channels.count } }

  /// Admits nobody from now on.
  /// - Returns: those that are still open.
  func close() -> [any Channel] {
    state.withLock { state in
      state.isClosed = true
      return Array(state.channels.values)
    }
  }

  /// Returns once the table is empty.
  func waitUntilEmpty() async {
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if state.channels.isEmpty { return true }
        state.whenEmpty.append(continuation)
        return false
      }
      if isEmpty { continuation.resume() }
    }
  }

  private func remove(_ id: ObjectIdentifier) {
    let waiting = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      state.channels[id] = nil
      guard state.channels.isEmpty else { return [] }
      defer { state.whenEmpty = [] }
      return state.whenEmpty
    }
    for continuation in waiting { continuation.resume() }
  }
}

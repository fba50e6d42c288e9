internal import GatewayCore
internal import Synchronization

/// Which place belongs to which upload: of all that are unfinished, and of those that were finished last.
final class NameBook: Sendable {
  private struct State {
    var places: [UploadKey: FinalPlace] = [:]
    /// In the order in which they finished.
    var finished: [UploadKey] = []
  }

  /// A finished upload is asked for only where the ledger could not be told of it, and then soon.
  private static let finishedLimit = 1024

  private let state = Mutex(State())

  func note(_ place: FinalPlace, of key: UploadKey) {
    state.withLock { $0.places[key] = place }
  }

  func place(of key: UploadKey) -> FinalPlace? {
    state.withLock { $0.places[key] }
  }

  func forget(_ key: UploadKey) {
    state.withLock { $0.places[key] = nil }
  }

  func finished(_ key: UploadKey) {
    state.withLock { state in
      state.finished.append(key)
      guard state.finished.count > Self.finishedLimit * 2 else { return }
      for old in state.finished.prefix(Self.finishedLimit) { state.places[old] = nil }
      state.finished.removeFirst(Self.finishedLimit)
    }
  }
}

internal import GatewayCore
internal import Synchronization

/// How each upload is kept: of all that are unfinished, and of those that were finished last.
final class NameBook: Sendable {
  /// What a sink brought to its end.
  struct Finished: Sendable {
    /// In bytes, of the upload.
    var size: Int64
    var result: SinkResult
  }

  private struct State {
    var forms: [UploadKey: StoredForm] = [:]
    /// What has its final name for good. The ledger is told next, and where that fails its client will ask again.
    var finished: [UploadKey: Finished] = [:]
    /// In the order in which they finished.
    var finishedKeys: [UploadKey] = []
    /// Have a final name that could be neither made durable nor taken back.
    var doubtful: Set<UploadKey> = []
  }

  /// A finished upload is asked for only where the ledger could not be told of it, and then soon.
  private static let finishedLimit = 1024

  private let state = Mutex(State())

  func note(_ form: StoredForm, of key: UploadKey) {
    state.withLock { $0.forms[key] = form }
  }

  func form(of key: UploadKey) -> StoredForm? {
    state.withLock { $0.forms[key] }
  }

  func forget(_ key: UploadKey) {
    state.withLock { state in
      state.forms[key] = nil
      state.finished[key] = nil
      state.doubtful.remove(key)
    }
  }

  /// An upload has its final name, and that is durable.
  func finished(_ key: UploadKey, _ finished: Finished) {
    state.withLock { state in
      if state.finished.updateValue(finished, forKey: key) == nil { state.finishedKeys.append(key) }
      guard state.finishedKeys.count > Self.finishedLimit * 2 else { return }
      for old in state.finishedKeys.prefix(Self.finishedLimit) {
        state.forms[old] = nil
        state.finished[old] = nil
      }
      state.finishedKeys.removeFirst(Self.finishedLimit)
    }
  }

  func finished(_ key: UploadKey) -> Finished? {
    state.withLock { $0.finished[key] }
  }

  func setDoubtful(_ key: UploadKey, _ isDoubtful: Bool) {
    state.withLock { state in
      if isDoubtful { state.doubtful.insert(key) } else { state.doubtful.remove(key) }
    }
  }

  func isDoubtful(_ key: UploadKey) -> Bool {
    state.withLock { $0.doubtful.contains(key) }
  }
}

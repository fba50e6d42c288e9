internal import GatewayCore
internal import NIOCore
internal import Synchronization

/// The streams whose clients are gone, until they come back.
final class PipeParking: Sendable {
  private struct State {
    var streams: [UploadKey: PipeStreamReference] = [:]
    var isClosed = false
  }

  private let state = Mutex(State())

  /// One that broke since stays too: its client shall hear of it.
  func park(_ stream: PipeStreamReference, _ key: UploadKey) {
    let isClosed = state.withLock { state in
      if !state.isClosed { state.streams[key] = stream }
      return state.isClosed
    }
    if isClosed { stream.run { $0.abandon() } }
  }

  func take(_ key: UploadKey) -> PipeStreamReference? {
    state.withLock { $0.streams.removeValue(forKey: key) }
  }

  func holds(_ key: UploadKey) -> Bool { state.withLock { $0.streams[key] != nil } }

  var keys: Set<UploadKey> { state.withLock { Set($0.streams.keys) } }

  /// Parks nothing from now on.
  func close() -> [PipeStreamReference] {
    state.withLock { state in
      state.isClosed = true
      defer { state.streams = [:] }
      return Array(state.streams.values)
    }
  }
}

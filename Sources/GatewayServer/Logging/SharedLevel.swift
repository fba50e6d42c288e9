import Logging
import Synchronization

/// The least that the handlers of one log write. It may change while they do.
final class SharedLevel: Sendable {
  private let current: Mutex<Logger.Level>

  init(_ level: Logger.Level) {
    current = Mutex(level)
  }

  var level: Logger.Level {
    get { current.withLock { $0 } }
    set { current.withLock { $0 = newValue } }
  }
}

/// Writes as `handler` does, from a ``SharedLevel`` on.
struct LevelledHandler: LogHandler {
  private let level: SharedLevel
  private var handler: any LogHandler
  /// Of this handler alone, where somebody has said so.
  private var own: Logger.Level?

  init(level: SharedLevel, handler: any LogHandler) {
    self.level = level
    self.handler = handler
  }

  var logLevel: Logger.Level {
    get { own ?? level.level }
    set { own = newValue }
  }

  var metadata: Logger.Metadata {
    get { handler.metadata }
    set { handler.metadata = newValue }
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { handler[metadataKey: key] }
    set { handler[metadataKey: key] = newValue }
  }

  func log(event: LogEvent) { handler.log(event: event) }
}

import Logging
import Synchronization

/// Everything that a gateway logged, at trace level.
final class CapturedLog: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let message: String
    let metadata: [String: String]

    /// All of it, as a file would have it.
    var text: String {
      "\(level) \(message) "
        + metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
  }

  private let contents = Mutex<[Line]>([])

  var lines: [Line] { contents.withLock { $0 } }
  var text: String { lines.map(\.text).joined(separator: "\n") }

  func lines(_ message: String) -> [Line] { lines.filter { $0.message == message } }

  var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

  fileprivate func append(_ line: Line) { contents.withLock { $0.append(line) } }

  private struct Handler: LogHandler {
    let log: CapturedLog
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { _, newer in newer }
      log.append(
        Line(level: event.level, message: event.message.description, metadata: all.mapValues { $0.description }))
    }
  }
}

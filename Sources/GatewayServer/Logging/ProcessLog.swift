package import Logging
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The log of a gateway that is a process of its own.
package final class ProcessLog: Sendable {
  private let settings: Configuration.Log
  private let level: SharedLevel
  private let writer: LogWriter

  /// A log to standard error.
  ///
  /// - Throws: ``LogThreadError``.
  package convenience init(_ settings: Configuration.Log) throws(LogThreadError) {
    try self.init(settings, descriptor: STDERR_FILENO, bounds: LogQueue.Bounds())
  }

  init(_ settings: Configuration.Log, descriptor: CInt, bounds: LogQueue.Bounds) throws(LogThreadError) {
    self.settings = settings
    level = SharedLevel(settings.level)
    writer = try LogWriter(descriptor: descriptor, bounds: bounds) { Self.notice(of: $0, settings) }
  }

  /// What `LoggingSystem.bootstrap` asks for.
  package func handler(label: String) -> any LogHandler {
    LevelledHandler(level: level, handler: Self.handler(settings) { [writer] in writer.append($0) })
  }

  /// The least that is logged from now on, also by handlers that there are already.
  package func setLevel(_ level: Logger.Level) { self.level.level = level }

  /// Waits until all records are written; no longer than `limit`, and no longer than a second in which nobody takes any.
  ///
  /// - Returns: whether all are. If not, a write to the same place would wait for ever.
  package func drain(within limit: Duration) -> Bool { writer.drain(within: limit) }

  private static func handler(
    _ settings: Configuration.Log, take: @escaping @Sendable (String) -> Void
  ) -> any LogHandler {
    switch settings.format {
    case .text: TextLogHandler(level: settings.level, take: take)
    case .json: JSONLogHandler(level: settings.level, take: take)
    }
  }

  /// Lines for standard output, so that whoever takes both outputs reads one format: as they are, or as records.
  package func output(_ lines: [String]) -> String {
    switch settings.format {
    case .text: lines.map { $0 + "\n" }.joined()
    case .json: lines.map { Self.line(.notice, "\($0)", [:], settings) }.joined()
    }
  }

  /// The record of those that are none, in the log's own format.
  private static func notice(of dropped: Int, _ settings: Configuration.Log) -> String {
    line(
      .warning, "Records were dropped here: nobody took the log in time", ["records": .stringConvertible(dropped)],
      settings)
  }

  private static func line(
    _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata, _ settings: Configuration.Log
  ) -> String {
    let line = Mutex("")
    handler(settings) { text in line.withLock { $0 += text } }.log(
      event: LogEvent(
        level: level, message: message, metadata: metadata, source: nil, file: #fileID, function: #function,
        line: #line))
    return line.withLock { $0 }
  }
}

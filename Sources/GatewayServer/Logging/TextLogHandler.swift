import Logging
import TextForms

/// Makes each record one line for people: the time, the level, the message, and the metadata as `name=value`.
struct TextLogHandler: LogHandler {
  /// Records below are dropped.
  var logLevel: Logger.Level
  /// What each record carries.
  var metadata: Logger.Metadata = [:]
  private let take: @Sendable (String) -> Void

  /// A handler that drops records below `level`.
  ///
  /// - Parameter take: gets each line, with its end, in one piece.
  init(level: Logger.Level, take: @escaping @Sendable (String) -> Void) {
    self.logLevel = level
    self.take = take
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = "\(JSONLogHandler.time()) \(event.level) \(JSONString.escapingUnseen(event.message.description))"
    let all = metadata.merging(event.metadata ?? [:]) { _, newer in newer }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(MetadataText.plain(value))" }
    take(line + "\n")
  }
}

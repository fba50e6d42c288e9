import Logging
import TextForms

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Makes each record one JSON object a line: `time`, `level`, `message`, and the metadata beside them under `metadata`, in
/// which numbers are numbers.
struct JSONLogHandler: LogHandler {
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
    var line = "{\"time\":\"\(Self.time())\",\"level\":\"\(event.level)\",\"message\":"
    line += JSONString.quoted(event.message.description)
    let all = metadata.merging(event.metadata ?? [:]) { _, newer in newer }
    if !all.isEmpty { line += ",\"metadata\":" + MetadataText.object(all) }
    take(line + "}\n")
  }

  /// Now, to the millisecond.
  static func time() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return RFC3339(milliseconds: Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000).text
  }
}

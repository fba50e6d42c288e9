import Logging

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Makes each record one JSON object a line: `time`, `level`, `message`, and the metadata beside them under `metadata`.
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
    line += Self.quoted(event.message.description)
    let all = metadata.merging(event.metadata ?? [:]) { _, newer in newer }
    if !all.isEmpty {
      let members = all.sorted { $0.key < $1.key }.map { Self.quoted($0.key) + ":" + Self.quoted("\($0.value)") }
      line += ",\"metadata\":{" + members.joined(separator: ",") + "}"
    }
    take(line + "}\n")
  }

  private static func time() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func padded(_ value: some BinaryInteger, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return padded(parts.tm_year + 1900, 4) + "-" + padded(parts.tm_mon + 1, 2) + "-" + padded(parts.tm_mday, 2) + "T"
      + padded(parts.tm_hour, 2) + ":" + padded(parts.tm_min, 2) + ":" + padded(parts.tm_sec, 2) + "."
      + padded(now.tv_nsec / 1_000_000, 3) + "Z"
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

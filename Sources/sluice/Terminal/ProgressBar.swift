/// An upload's progress in one line that fits a width.
struct ProgressBar {
  /// Of the average rate: what is older than this counts little.
  private static let memory = 5.0

  private let name: String
  private var last: (time: Duration, sent: Int64)?
  private var rate = 0.0
  private var samples = 0

  /// - Parameter name: shown at the beginning, cut in the middle if there is no room.
  init(name: String) {
    self.name = name
  }

  /// Takes a new state up. The rate is a moving average in bytes per second.
  mutating func update(sent: Int64, at time: Duration) {
    guard let previous = last, sent >= previous.sent else {
      last = (time, sent)
      return
    }
    let elapsed = (time - previous.time).seconds
    guard elapsed >= 0.05 else { return }
    let current = Double(sent - previous.sent) / elapsed
    samples += 1
    // At first a plain average: the first bytes only fill the socket, and should not count for long.
    let weight = min(1, max(1 / Double(samples), elapsed / Self.memory))
    rate += (current - rate) * weight
    last = (time, sent)
  }

  /// A connection was lost: the wait is not part of the rate.
  mutating func pause() {
    last = nil
  }

  /// The line.
  ///
  /// - Parameter width: columns that it may take; less important parts go first.
  func line(sent: Int64, total: Int64?, width: Int) -> String {
    let speed = rate > 0 ? "\(ByteCount.text(Int64(min(rate, 1e15))))/s" : ""
    guard let total else {
      return Self.join([Self.cut(name, to: max(8, width - 30)), ByteCount.text(sent), speed], width)
    }
    let share = total == 0 ? 1 : Double(sent) / Double(total)
    let percent = "\(Int(share * 100))%"
    let amount = "\(ByteCount.text(sent)) of \(ByteCount.text(total))"
    let left =
      rate > 0 && sent < total ? "\(TimeSpan.text(.seconds(min(Double(total - sent) / rate, 8_640_000)))) left" : ""
    let tail = [percent, amount, speed, left]
    let room = width - tail.reduce(0) { $0 + $1.columns + 2 }
    guard room >= 24 else { return Self.join([Self.cut(name, to: max(4, room)), percent, speed, left], width) }
    let shown = Self.cut(name, to: min(name.columns, room - 14, 40))
    let cells = min(40, room - shown.columns - 4)
    // A file may have grown meanwhile.
    let full = Int(min(1, share) * Double(cells))
    let bar = "[" + String(repeating: "#", count: full) + String(repeating: "-", count: cells - full) + "]"
    return Self.join([shown, bar] + tail, width)
  }

  private static func join(_ parts: [String], _ width: Int) -> String {
    String(parts.filter { !$0.isEmpty }.joined(separator: "  ").prefix(columns: width))
  }

  /// Cuts the middle out: the end of a name tells more than what is before it.
  static func cut(_ text: String, to width: Int) -> String {
    guard text.columns > width else { return text }
    guard width >= 5 else { return String(text.prefix(columns: width)) }
    return text.prefix(columns: (width - 1) / 2) + "…" + text.suffix(columns: width / 2)
  }
}

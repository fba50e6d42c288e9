import ArgumentParser

/// A number of bytes on the command line: `4096`, `64k`, `1M`, `2GiB`. Units are powers of 1024.
struct ByteCount: ExpressibleByArgument {
  let value: Int64

  init(_ value: Int64) {
    self.value = value
  }

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let shift: Int64
    switch argument.dropFirst(digits.count).lowercased() {
    case "", "b": shift = 0
    case "k", "kib": shift = 10
    case "m", "mib": shift = 20
    case "g", "gib": shift = 30
    default: return nil
    }
    guard let number = Int64(digits) else { return nil }
    let (value, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow, value > 0 else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value % 1024 == 0 ? "\(value / 1024)k" : "\(value)" }

  /// For a person: three digits and a unit.
  static func text(_ bytes: Int64) -> String {
    guard bytes >= 1024 else { return "\(bytes) B" }
    var value = Double(bytes)
    var unit = "B"
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] where value >= 1000 { (value, unit) = (value / 1024, next) }
    let digits = value < 9.995 ? 100.0 : value < 99.95 ? 10 : 1
    let rounded = (value * digits).rounded() / digits
    return digits == 1 ? "\(Int(rounded)) \(unit)" : "\(rounded) \(unit)"
  }
}

/// A time on the command line: `30`, `30s`, `10m`, `2h` or `1d`.
struct TimeSpan: ExpressibleByArgument {
  let value: Duration

  init(_ value: Duration) {
    self.value = value
  }

  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number <= 1 << 31 else { return nil }
    switch argument.dropFirst(digits.count) {
    case "", "s": value = .seconds(number)
    case "m": value = .seconds(number * 60)
    case "h": value = .seconds(number * 3600)
    case "d": value = .seconds(number * 86_400)
    default: return nil
    }
  }

  var defaultValueDescription: String {
    let seconds = value.components.seconds
    return seconds % 60 == 0 && seconds > 0 ? "\(seconds / 60)m" : "\(seconds)s"
  }

  /// For a person: `0:07`, `12:30` or `1:02:03`.
  static func text(_ time: Duration) -> String {
    let seconds = time.components.seconds
    let two = { (number: Int64) in number < 10 ? "0\(number)" : "\(number)" }
    guard seconds >= 3600 else { return "\(seconds / 60):\(two(seconds % 60))" }
    return "\(seconds / 3600):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
  }

  /// For a person, in a sentence: `0.4 s`, `12 s`.
  static func sentence(_ time: Duration) -> String {
    let tenths = (time.seconds * 10).rounded() / 10
    return tenths < 10 ? "\(tenths) s" : tenths < 120 ? "\(Int(tenths)) s" : text(time)
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

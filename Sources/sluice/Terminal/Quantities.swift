import ArgumentParser
import ConfigurationReading

/// A number of bytes on the command line, as in a configuration: `4096`, `64 KiB`, `2GiB`, `100MB`. Beside that one
/// letter, as head(1) and dd(1) have it: `64k`, `1M`, powers of 1024.
struct ByteCount: ExpressibleByArgument {
  let value: Int64

  init(_ value: Int64) {
    self.value = value
  }

  init?(argument: String) {
    guard let count = try? ByteCount(parsing: argument) else { return nil }
    self = count
  }

  /// - Throws: `ValueFault`: what is wrong, and what to write.
  init(parsing argument: String) throws(ValueFault) {
    let digits = argument.prefix { $0.isASCII && $0.isNumber }
    let letter = argument.dropFirst(digits.count)
    let isShort = !digits.isEmpty && letter.count == 1 && "kKmMgGtT".contains(letter)
    value = try ByteSize.parse(isShort ? "\(digits)\(letter.uppercased())iB" : argument)
    guard value > 0 else { throw ValueFault(message: "`\(argument)` is nothing", hint: "write a size above 0") }
  }

  /// The same as an option's transformation, which tells what is wrong.
  static func option(_ argument: String) throws -> ByteCount {
    do throws(ValueFault) { return try ByteCount(parsing: argument) } catch { throw ValidationError(error.sentence) }
  }

  /// Bytes a second: the `/s` may be left out.
  static func rateOption(_ argument: String) throws -> ByteCount {
    try option(argument.hasSuffix("/s") ? String(argument.dropLast(2)) : argument)
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

/// A time on the command line, as in a configuration: `500ms`, `30s`, `10m`, `2h` or `1d`; a number alone is seconds.
struct TimeSpan: ExpressibleByArgument {
  let value: Duration

  init(_ value: Duration) {
    self.value = value
  }

  init?(argument: String) {
    guard let time = try? TimeSpan(parsing: argument) else { return nil }
    self = time
  }

  /// - Throws: `ValueFault`: what is wrong, and what to write.
  init(parsing argument: String) throws(ValueFault) {
    let isPlain = !argument.isEmpty && argument.allSatisfy { $0.isASCII && $0.isNumber }
    value = try DurationText.parse(isPlain ? argument + "s" : argument)
    guard value <= .seconds(1 << 31) else {
      throw ValueFault(message: "`\(argument)` is too long", hint: "write a shorter duration")
    }
  }

  /// The same as an option's transformation, which tells what is wrong.
  static func option(_ argument: String) throws -> TimeSpan {
    do throws(ValueFault) { return try TimeSpan(parsing: argument) } catch { throw ValidationError(error.sentence) }
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

  /// For a person, in one unit: `7s`, `12m`, `5h`, `3d`; nothing below 0.
  static func age(_ time: Duration) -> String {
    let seconds = max(0, time.components.seconds)
    return switch seconds {
    case ..<120: "\(seconds)s"
    case ..<7200: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3600)h"
    default: "\(seconds / 86_400)d"
    }
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

extension ValueFault {
  /// On one line.
  var sentence: String { "\(message); \(hint)." }
}

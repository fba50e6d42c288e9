/// Sizes as people write them.
package enum ByteSize {
  private static let units: [(name: String, bytes: Int64)] = [
    ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
  ]

  /// `4 KiB`, `1 MiB`, `100GB`, or plain bytes.
  ///
  /// `K`, `M`, `kb` and the like are refused: people mean either 1000 or 1024 by them.
  package static func parse(_ text: String) throws(ValueFault) -> Int64 {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard !digits.isEmpty else {
      throw ValueFault(message: "`\(text)` is not a size", hint: "write a size such as `1 MiB`; it cannot be negative")
    }
    guard !unit.hasPrefix(".") && !unit.hasPrefix(",") else {
      throw ValueFault(
        message: "`\(text)` is a fraction",
        hint: whole(digits, fraction: unit.dropFirst()).map { "write `\($0)`" }
          ?? "write a whole number of a smaller unit")
    }
    guard digits.count == 1 || !digits.hasPrefix("0") else {
      throw ValueFault(message: "`\(text)` begins with a zero", hint: "write the number without it")
    }
    let factor = try factor(of: String(unit), number: String(digits), text: text)
    guard let number = Int64(digits), case let (bytes, overflow) = number.multipliedReportingOverflow(by: factor),
      !overflow
    else {
      throw ValueFault(message: "`\(text)` is more than 2^63-1 bytes", hint: "write a smaller size")
    }
    return bytes
  }

  /// In the largest binary unit that leaves a whole number.
  package static func text(_ bytes: Int64) -> String {
    for unit in units where unit.name.hasSuffix("iB") && bytes != 0 && bytes % unit.bytes == 0 {
      return "\(bytes / unit.bytes) \(unit.name)"
    }
    return "\(bytes) B"
  }

  /// The same size without a fraction; `nil` where there is none, or where it cannot be known what was meant.
  private static func whole(_ digits: Substring, fraction: Substring) -> String? {
    let decimals = fraction.prefix { $0.isASCII && $0.isNumber }
    let unit = fraction.dropFirst(decimals.count).drop { $0 == " " }
    guard (1...9).contains(decimals.count), let factor = units.first(where: { $0.name == unit })?.bytes,
      let number = Int64(digits + decimals),
      case let (product, overflow) = number.multipliedReportingOverflow(by: factor),
      !overflow
    else { return nil }
    let scale = decimals.reduce(Int64(1)) { scale, _ in scale * 10 }
    guard product % scale == 0 else { return nil }
    let bytes = product / scale
    let isBinary = unit.hasSuffix("iB")
    let fitting = units.first { $0.name.hasSuffix("iB") == isBinary && bytes != 0 && bytes % $0.bytes == 0 }
    return "\(bytes / (fitting?.bytes ?? 1)) \(fitting?.name ?? "B")"
  }

  private static func factor(of unit: String, number: String, text: String) throws(ValueFault) -> Int64 {
    if unit.isEmpty { return 1 }
    if let known = units.first(where: { $0.name == unit }) { return known.bytes }
    let letter = unit.prefix(1).uppercased()
    guard ["K", "M", "G", "T"].contains(letter), ["", "b", "ib"].contains(unit.dropFirst().lowercased()) else {
      throw ValueFault(
        message: "`\(text)` is not a size", hint: "write plain bytes, or a number and one of KiB, MiB, GiB, TiB")
    }
    throw ValueFault(
      message: "`\(text)` may mean powers of 1000 or of 1024",
      hint: "write `\(number) \(letter)iB` (1024) or `\(number) \(letter)B` (1000)")
  }
}

extension ValueParser where Value == Int64 {
  /// A size in bytes.
  package static func byteSize(in range: ClosedRange<Int64>) -> ValueParser {
    ValueParser(expected: "a size such as `1 MiB`") { text, _ throws(ValueFault) in
      let bytes = try ByteSize.parse(text)
      guard range.contains(bytes) else {
        let bounds =
          bytes < range.lowerBound
          ? "at least \(ByteSize.text(range.lowerBound))" : "at most \(ByteSize.text(range.upperBound))"
        throw ValueFault(message: "`\(text)` is out of range", hint: "write \(bounds)")
      }
      return bytes
    }
  }

  /// A size of one byte or more.
  package static var byteSize: ValueParser { byteSize(in: 1...Int64.max) }
}

extension ValueParser where Value == Int64 {
  /// Bytes a second: a size and `/s`.
  package static func byteRate(in range: ClosedRange<Int64>) -> ValueParser {
    let size = byteSize(in: range)
    return ValueParser(expected: "a size a second such as `100 MiB/s`") { text, reading throws(ValueFault) in
      guard text.hasSuffix("/s") else {
        throw ValueFault(message: "`\(text)` is not a size a second", hint: "write a size and `/s`: `100 MiB/s`")
      }
      do throws(ValueFault) {
        return try size.parse(String(text.dropLast(2)), reading)
      } catch {
        throw ValueFault(message: error.message, hint: error.hint + ", with `/s` behind it")
      }
    }
  }
}

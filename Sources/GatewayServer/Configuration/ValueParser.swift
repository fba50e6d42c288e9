/// A value that is not what its key takes.
struct ValueFault: Error, Hashable {
  /// Goes on after the key's name and a colon.
  var message: String
  var hint: String
}

/// Reads one type of value from its text.
struct ValueParser<Value> {
  /// With its article and an example: what a person is told to write where the text is missing.
  let expected: String
  let parse: (_ text: String, _ reading: Reading) throws(ValueFault) -> Value
}

extension ValueParser where Value == Bool {
  /// `true` or `false`. YAML's other words for them (`yes`, `on`) are not taken: they mean text in newer YAML.
  static var flag: ValueParser {
    ValueParser(expected: "`true` or `false`") { text, _ throws(ValueFault) in
      switch text {
      case "true": return true
      case "false": return false
      default:
        throw ValueFault(message: "`\(text)` is neither `true` nor `false`", hint: "write `true` or `false`")
      }
    }
  }
}

extension ValueParser where Value == Int {
  /// A plain decimal number.
  static func count(in range: ClosedRange<Int>) -> ValueParser {
    let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
    return ValueParser(expected: expected) { text, _ throws(ValueFault) in
      guard let number = PlainNumber.parse(text), let count = Int(exactly: number), range.contains(count) else {
        throw ValueFault(message: "`\(text)` is not \(expected)", hint: "write \(expected), in plain digits")
      }
      return count
    }
  }
}

extension ValueParser where Value == Configuration.Threads {
  /// `auto` or a count.
  static var threads: ValueParser {
    ValueParser(expected: "`auto` or a number from 1 to 1024") { text, _ throws(ValueFault) in
      if text == "auto" { return .automatic }
      guard let number = PlainNumber.parse(text), (1...1024).contains(number) else {
        throw ValueFault(
          message: "`\(text)` is neither `auto` nor a number from 1 to 1024",
          hint: "write `auto` for one thread per processor, or how many")
      }
      return .exactly(Int(number))
    }
  }
}

extension ValueParser {
  /// One of a few words.
  static func word(_ words: [(String, Value)]) -> ValueParser {
    let names = words.map(\.0)
    let expected = names.map { "`\($0)`" }.joined(separator: ", ")
    return ValueParser(expected: "one of \(expected)") { text, _ throws(ValueFault) in
      if let found = words.first(where: { $0.0 == text }) { return found.1 }
      let suggestion = Suggestion.nearest(to: text, among: names).map { "did you mean `\($0)`? " } ?? ""
      throw ValueFault(message: "`\(text)` is not one of \(expected)", hint: suggestion + "write one of \(expected)")
    }
  }
}

extension ValueParser where Value: RawRepresentable<String> & CaseIterable {
  /// One of the type's words.
  static var word: ValueParser {
    word(Value.allCases.map { ($0.rawValue, $0) })
  }
}

/// Digits and nothing else.
enum PlainNumber {
  /// `nil` for signs, leading zeros (YAML 1.1 reads `010` as 8), separators, and what exceeds 2^63-1.
  static func parse(_ text: some StringProtocol) -> Int64? {
    let digits = text.utf8
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int64(text)
  }
}

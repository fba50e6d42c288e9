/// A value that is not what its key takes.
package struct ValueFault: Error, Hashable {
  /// Goes on after the key's name and a colon.
  package var message: String
  package var hint: String

  package init(message: String, hint: String) {
    self.message = message
    self.hint = hint
  }
}

/// Reads one type of value from its text.
package struct ValueParser<Value> {
  /// With its article and an example: what a person is told to write where the text is missing.
  package let expected: String
  package let parse: (_ text: String, _ reading: Reading) throws(ValueFault) -> Value

  package init(
    expected: String, parse: @escaping (_ text: String, _ reading: Reading) throws(ValueFault) -> Value
  ) {
    self.expected = expected
    self.parse = parse
  }
}

extension ValueParser where Value == Bool {
  /// `true` or `false`. YAML's other words for them (`yes`, `on`) are not taken: they mean text in newer YAML.
  package static var flag: ValueParser {
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
  package static func count(in range: ClosedRange<Int>) -> ValueParser {
    let expected = "a number from \(range.lowerBound) to \(range.upperBound)"
    return ValueParser(expected: expected) { text, _ throws(ValueFault) in
      guard let number = PlainNumber.parse(text), let count = Int(exactly: number), range.contains(count) else {
        throw ValueFault(message: "`\(text)` is not \(expected)", hint: "write \(expected), in plain digits")
      }
      return count
    }
  }
}

extension ValueParser where Value == Int {
  /// A share of something, in percent.
  package static func percent(in range: ClosedRange<Int>) -> ValueParser {
    let expected = "a share from `\(range.lowerBound)%` to `\(range.upperBound)%`"
    return ValueParser(expected: expected) { text, _ throws(ValueFault) in
      guard text.hasSuffix("%"), let number = PlainNumber.parse(text.dropLast()), let share = Int(exactly: number),
        range.contains(share)
      else { throw ValueFault(message: "`\(text)` is not \(expected)", hint: "write \(expected), in whole percent") }
      return share
    }
  }
}

extension ValueParser {
  /// One of a few words.
  package static func word(_ words: [(String, Value)]) -> ValueParser {
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
  package static var word: ValueParser {
    word(Value.allCases.map { ($0.rawValue, $0) })
  }
}

/// Digits and nothing else.
package enum PlainNumber {
  /// `nil` for signs, leading zeros (YAML 1.1 reads `010` as 8), separators, and what exceeds 2^63-1.
  package static func parse(_ text: some StringProtocol) -> Int64? {
    let digits = text.utf8
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int64(text)
  }
}

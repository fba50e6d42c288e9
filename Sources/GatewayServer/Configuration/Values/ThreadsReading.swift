import ConfigurationReading

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

import ConfigurationReading
package import Fronts
import NIOCore

extension MinimumProgress {
  /// 2.2 KB/s: less than any line that uploads are made over, and more than whoever means to hold a place for nothing sends.
  package static let usual = MinimumProgress(bytes: 64 << 10, every: .seconds(30))
}

extension ValueParser where Value == MinimumProgress? {
  /// A size in a time, as `64 KiB per 30s`; `off` for none.
  static var minimumProgress: ValueParser {
    let times: ClosedRange<Duration> = .seconds(1) ... .seconds(3600)
    return ValueParser(expected: "a size in a time such as `64 KiB per 30s`, or `off`") {
      text, reading throws(ValueFault) in
      if text == "off" { return nil }
      guard let word = text.firstRange(of: " per ") else {
        throw ValueFault(
          message: "`\(text)` is no size in a time", hint: "write `64 KiB per 30s`, or `off` for no bound")
      }
      let bytes = try ValueParser<Int64>.byteSize(in: 1...(1 << 30)).parse(String(text[..<word.lowerBound]), reading)
      let every = try ValueParser<Duration>.duration(in: times).parse(String(text[word.upperBound...]), reading)
      return MinimumProgress(bytes: bytes, every: TimeAmount(every))
    }
  }
}

extension ValueParser {
  /// What `parser` takes, or `off` for none, which is something else than nothing: optional chaining would not tell them apart.
  static func orOff<Bound>(_ parser: ValueParser<Bound>) -> ValueParser where Value == Bound? {
    ValueParser(expected: parser.expected + ", or `off`") { text, reading throws(ValueFault) in
      text == "off" ? nil : try parser.parse(text, reading)
    }
  }
}

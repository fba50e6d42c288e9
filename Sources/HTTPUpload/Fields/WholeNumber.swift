/// The numbers of HTTP's and tus's fields: decimal digits and nothing else, 0 to 2^63 - 1. Leading zeros count nothing,
/// as in `Content-Length` (RFC 9110 section 8.6).
package enum WholeNumber {
  /// The number that the whole text is, or `nil`.
  package static func parse(_ text: some StringProtocol) -> Int64? {
    guard !text.isEmpty else { return nil }
    var number: Int64 = 0
    for byte in text.utf8 {
      guard byte.isASCIIDigit else { return nil }
      let (tenfold, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tenfold.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
      guard !overflow, !carry else { return nil }
      number = sum
    }
    return number
  }
}

extension HTTPFields {
  /// The number in a field that may stand once; `nil` where it is absent, a problem where it is no number.
  package func number(_ name: String) throws(HTTPProblem) -> Int64? {
    guard let text = try only(name) else { return nil }
    guard let number = WholeNumber.parse(text) else { throw .badField(name) }
    return number
  }
}

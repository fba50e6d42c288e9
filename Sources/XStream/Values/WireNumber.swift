/// The numbers of the protocol: plain decimal from 0 to 2^63-1, no sign, no leading zero (protocol.md section 2).
public enum WireNumber {
  /// The number that the whole text is, or nil.
  public static func parse(_ text: some StringProtocol) -> Int64? {
    var number: Int64?
    for byte in text.utf8 {
      guard let digit = digit(byte) else { return nil }
      if let sofar = number {
        guard let longer = appending(digit, to: sofar) else { return nil }
        number = longer
      } else {
        number = digit
      }
    }
    return number
  }

  static func digit(_ byte: UInt8) -> Int64? {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? Int64(byte - UInt8(ascii: "0")) : nil
  }

  /// The number with one more digit, or nil: past 2^63-1, or after a leading zero.
  static func appending(_ digit: Int64, to number: Int64) -> Int64? {
    guard number != 0 else { return nil }
    let (tenfold, overflow) = number.multipliedReportingOverflow(by: 10)
    let (sum, carry) = tenfold.addingReportingOverflow(digit)
    return overflow || carry ? nil : sum
  }
}

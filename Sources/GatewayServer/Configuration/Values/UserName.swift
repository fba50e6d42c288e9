import ConfigurationReading

extension ValueParser where Value == String {
  /// A user of this machine, by name.
  static var userName: ValueParser {
    ValueParser(expected: "a user of this machine, as `sluice`") { text, _ throws(ValueFault) in
      let isName =
        (1...32).contains(text.utf8.count) && text.utf8.first != UInt8(ascii: "-")
        && text.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
          default: false
          }
        }
      guard isName else {
        throw ValueFault(message: "`\(text)` is no name of a user", hint: "write a user of this machine, as `sluice`")
      }
      guard text != "root" else {
        throw ValueFault(
          message: "`root` may do everything, and the gateway is to give rights up",
          hint: "write a user that is for the gateway alone, as `sluice`")
      }
      return text
    }
  }
}

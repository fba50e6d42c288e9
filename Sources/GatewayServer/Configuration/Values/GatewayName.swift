import ConfigurationReading
import Glibc

/// What a gateway calls itself in the ledger's leases.
enum GatewayName {
  /// The host's name, as far as it can be one; `gateway` where there is none.
  static var ofHost: String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "gateway" }
    let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return isValid(text) ? text : "gateway"
  }

  static func isValid(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}

extension ValueParser where Value == String {
  /// A ``GatewayName``.
  static var gatewayName: ValueParser {
    ValueParser(expected: "a name, as `gateway-1`") { text, _ throws(ValueFault) in
      guard GatewayName.isValid(text) else {
        throw ValueFault(
          message: "`\(text)` is no name of a gateway",
          hint: "write 1 to 64 letters, digits, dots, hyphens or underscores, as `gateway-1`")
      }
      return text
    }
  }
}

/// The parsing algorithms of RFC 9651 section 4.2, each a function that goes on from the current place.
struct StructuredFieldParser {
  private var rest: ArraySlice<UInt8>

  init(_ text: String) {
    rest = Array(text.utf8)[...]
    skip { $0 == 0x20 }
  }

  /// Whether nothing but spaces is left.
  var isAtEnd: Bool { rest.allSatisfy { $0 == 0x20 } }

  mutating func item() -> StructuredItem? {
    guard let item = bareItem(), parameters() else { return nil }
    return item
  }

  mutating func dictionary() -> [(key: String, item: StructuredItem)]? {
    var members: [(key: String, item: StructuredItem)] = []
    while !rest.isEmpty {
      guard let key = key() else { return nil }
      guard let item = take("=") ? member() : (parameters() ? .boolean(true) : nil) else { return nil }
      if let place = members.firstIndex(where: { $0.key == key }) {
        members[place].item = item
      } else {
        members.append((key: key, item: item))
      }
      skip { $0.isBlank }
      if rest.isEmpty { return members }
      guard take(",") else { return nil }
      skip { $0.isBlank }
      // A comma at the end is an error.
      if rest.isEmpty { return nil }
    }
    return members
  }

  private mutating func member() -> StructuredItem? {
    guard rest.first == UInt8(ascii: "(") else { return item() }
    rest.removeFirst()
    while true {
      skip { $0 == 0x20 }
      if take(")") { return parameters() ? .other : nil }
      guard item() != nil, let next = rest.first, next == 0x20 || next == UInt8(ascii: ")") else { return nil }
    }
  }

  private mutating func parameters() -> Bool {
    while take(";") {
      skip { $0 == 0x20 }
      guard key() != nil else { return false }
      if take("="), bareItem() == nil { return false }
    }
    return true
  }

  private mutating func key() -> String? {
    guard let first = rest.first, first.isLowercaseLetter || first == UInt8(ascii: "*") else { return nil }
    return word { $0.isLowercaseLetter || $0.isASCIIDigit || "_-.*".utf8.contains($0) }
  }

  private mutating func bareItem() -> StructuredItem? {
    switch rest.first {
    case UInt8(ascii: "?"):
      rest.removeFirst()
      if take("1") { return .boolean(true) }
      return take("0") ? .boolean(false) : nil
    case UInt8(ascii: "\""): return quoted().map { .string($0) }
    case UInt8(ascii: ":"):
      rest.removeFirst()
      guard let end = rest.firstIndex(of: UInt8(ascii: ":")) else { return nil }
      let text = String(decoding: rest[..<end], as: UTF8.self)
      rest = rest[(end + 1)...]
      return Base64.decode(text, .lenient).map { .bytes($0) }
    case UInt8(ascii: "@"):
      rest.removeFirst()
      guard case .integer = number() else { return nil }
      return .other
    case UInt8(ascii: "%"):
      rest.removeFirst()
      return quoted().map { _ in .other }
    case .some(let byte) where byte.isASCIIDigit || byte == UInt8(ascii: "-"): return number()
    case .some(let byte) where byte.isASCIILetter || byte == UInt8(ascii: "*"):
      return .token(word { $0.isTokenCharacter || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") })
    default: return nil
    }
  }

  /// At most 15 digits; a decimal has at most 12 before the point and 1 to 3 behind it.
  private mutating func number() -> StructuredItem? {
    let isNegative = take("-")
    let digits = word { $0.isASCIIDigit }
    guard (1...15).contains(digits.utf8.count), let value = WholeNumber.parse(digits) else { return nil }
    guard take(".") else { return .integer(isNegative ? -value : value) }
    let fraction = word { $0.isASCIIDigit }
    return digits.utf8.count <= 12 && (1...3).contains(fraction.utf8.count) ? .other : nil
  }

  private mutating func quoted() -> String? {
    guard take("\"") else { return nil }
    var text: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let next = rest.popFirst(), next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else { return nil }
        text.append(next)
      case 0x20...0x7E: text.append(byte)
      default: return nil
      }
    }
    return nil
  }

  private mutating func word(_ isPart: (UInt8) -> Bool) -> String {
    let word = rest.prefix { isPart($0) }
    rest = rest[word.endIndex...]
    return String(decoding: word, as: UTF8.self)
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard let first = rest.first, first == UInt8(ascii: character) else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
    rest = rest.drop { isSkipped($0) }
  }
}

extension UInt8 {
  fileprivate var isLowercaseLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
}

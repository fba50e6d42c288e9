internal import GatewayCore

/// One well-formed JSON text (RFC 8259) in UTF-8 without a byte order mark, in constant memory.
///
/// Any value may stand at the top. Names that stand twice and halves of surrogate pairs in `\u` escapes are taken, as the
/// grammar takes them.
final class JSONInspector: ContentInspector {
  /// Arrays and objects within each other.
  static let depthLimit = 512

  private enum State: UInt8 {
    /// A value, and after `[` also its end.
    case value, firstItem
    /// A name, and after `{` also its end.
    case name, firstName
    case colon
    /// After a value within an array or object.
    case next
    /// After the value at the top.
    case end
    case string, escape, hexadecimal
    case minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
    case literal
  }

  private var offset: Int64 = 0
  private var state = State.value
  /// A bit for each open array (0) or object (1), the outermost in the lowest.
  private var nesting = [UInt64](repeating: 0, count: depthLimit / 64)
  private var depth = 0
  private var isName = false
  private var sequence = UTF8Sequence()
  private var hexadecimalDigits = 0
  private var literal: StaticString = "true"
  private var literalIndex = 0

  func inspect(_ bytes: UnsafeRawBufferPointer) throws(ContentFault) {
    var index = 0
    while index < bytes.count {
      if state == .string, !sequence.isOpen {
        while index < bytes.count, Self.isPlain(bytes[index]) { index += 1 }
        if index == bytes.count { break }
      }
      if let reason = take(bytes[index]) { throw ContentFault(offset: offset + Int64(index), reason: reason) }
      index += 1
    }
    offset += Int64(bytes.count)
  }

  func finish() throws(ContentFault) {
    switch state {
    case .end: return
    case .zero, .integer, .fraction, .exponentDigits:
      if depth == 0 { return }
    default: break
    }
    throw ContentFault(offset: offset, reason: "the JSON text ends too early")
  }

  /// A character of a string that changes nothing.
  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  // MARK: One byte

  /// - Returns: what is wrong with it, if anything.
  private func take(_ byte: UInt8) -> String? {
    switch state {
    case .string: takeInString(byte)
    case .escape: takeEscape(byte)
    case .hexadecimal: takeHexadecimal(byte)
    case .literal: takeLiteral(byte)
    case .minus, .zero, .integer, .point, .fraction, .exponent, .exponentSign, .exponentDigits: takeInNumber(byte)
    case .value, .firstItem, .name, .firstName, .colon, .next, .end: takeBetween(byte)
    }
  }

  private func takeBetween(_ byte: UInt8) -> String? {
    switch byte {
    case 0x20, 0x09, 0x0A, 0x0D: return nil
    default: break
    }
    switch (state, byte) {
    case (.value, _): return beginValue(byte)
    case (.firstItem, UInt8(ascii: "]")): return close(isObject: false)
    case (.firstItem, _): return beginValue(byte)
    case (.name, UInt8(ascii: "\"")), (.firstName, UInt8(ascii: "\"")):
      isName = true
      state = .string
    case (.firstName, UInt8(ascii: "}")): return close(isObject: true)
    case (.name, _), (.firstName, _): return "a name in quotes belongs here"
    case (.colon, UInt8(ascii: ":")): state = .value
    case (.colon, _): return "a colon belongs here"
    case (.next, UInt8(ascii: ",")): state = isInObject ? .name : .value
    case (.next, UInt8(ascii: "]")): return close(isObject: false)
    case (.next, UInt8(ascii: "}")): return close(isObject: true)
    case (.next, _): return "a comma or an end belongs here"
    default: return "there is more after the end of the JSON text"
    }
    return nil
  }

  private func beginValue(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "\""):
      isName = false
      state = .string
    case UInt8(ascii: "["): return open(isObject: false)
    case UInt8(ascii: "{"): return open(isObject: true)
    case UInt8(ascii: "-"): state = .minus
    case UInt8(ascii: "0"): state = .zero
    case UInt8(ascii: "1")...UInt8(ascii: "9"): state = .integer
    case UInt8(ascii: "t"): beginLiteral("true")
    case UInt8(ascii: "f"): beginLiteral("false")
    case UInt8(ascii: "n"): beginLiteral("null")
    default: return "a value belongs here"
    }
    return nil
  }

  private func endValue() {
    state = depth == 0 ? .end : .next
  }

  // MARK: Arrays and objects

  private var isInObject: Bool { nesting[(depth - 1) / 64] >> UInt64((depth - 1) % 64) & 1 == 1 }

  private func open(isObject: Bool) -> String? {
    guard depth < Self.depthLimit else { return "more than \(Self.depthLimit) arrays and objects within each other" }
    let bit: UInt64 = 1 << UInt64(depth % 64)
    if isObject { nesting[depth / 64] |= bit } else { nesting[depth / 64] &= ~bit }
    depth += 1
    state = isObject ? .firstName : .firstItem
    return nil
  }

  private func close(isObject: Bool) -> String? {
    guard isInObject == isObject else { return "an end that belongs to no beginning" }
    depth -= 1
    endValue()
    return nil
  }

  // MARK: Strings, numbers, literals

  private func takeInString(_ byte: UInt8) -> String? {
    if sequence.isOpen || byte >= 0x80 {
      return sequence.take(byte) ? nil : "a byte that cannot be here in UTF-8"
    }
    switch byte {
    case UInt8(ascii: "\""):
      if isName { state = .colon } else { endValue() }
    case UInt8(ascii: "\\"): state = .escape
    case 0x00...0x1F: return "a control character in a string that is not escaped"
    default: break
    }
    return nil
  }

  private func takeEscape(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      state = .string
    case UInt8(ascii: "u"):
      hexadecimalDigits = 0
      state = .hexadecimal
    default: return "an escape that there is not"
    }
    return nil
  }

  private func takeHexadecimal(_ byte: UInt8) -> String? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      hexadecimalDigits += 1
      if hexadecimalDigits == 4 { state = .string }
      return nil
    default: return "an escape needs four hexadecimal digits"
    }
  }

  private func takeInNumber(_ byte: UInt8) -> String? {
    let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    switch (state, byte) {
    case (.minus, UInt8(ascii: "0")): state = .zero
    case (.minus, _) where isDigit: state = .integer
    case (.integer, _) where isDigit: break
    case (.zero, UInt8(ascii: ".")), (.integer, UInt8(ascii: ".")): state = .point
    case (.point, _) where isDigit, (.fraction, _) where isDigit: state = .fraction
    case (.zero, UInt8(ascii: "e")), (.zero, UInt8(ascii: "E")), (.integer, UInt8(ascii: "e")),
      (.integer, UInt8(ascii: "E")), (.fraction, UInt8(ascii: "e")), (.fraction, UInt8(ascii: "E")):
      state = .exponent
    case (.exponent, UInt8(ascii: "+")), (.exponent, UInt8(ascii: "-")): state = .exponentSign
    case (.exponent, _) where isDigit, (.exponentSign, _) where isDigit, (.exponentDigits, _) where isDigit:
      state = .exponentDigits
    case (.zero, _) where isDigit: return "a number that begins with a zero"
    case (.zero, _), (.integer, _), (.fraction, _), (.exponentDigits, _):
      // A number ends where something else begins.
      endValue()
      return takeBetween(byte)
    default: return "a digit belongs here"
    }
    return nil
  }

  private func beginLiteral(_ word: StaticString) {
    literal = word
    literalIndex = 1
    state = .literal
  }

  private func takeLiteral(_ byte: UInt8) -> String? {
    let isRight = literal.withUTF8Buffer { $0[literalIndex] == byte }
    guard isRight else { return "a value belongs here" }
    literalIndex += 1
    if literalIndex == literal.utf8CodeUnitCount { endValue() }
    return nil
  }
}

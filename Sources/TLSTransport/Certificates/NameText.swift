internal import COpenSSL

/// The characters of strings in certificates.
enum NameText {
  /// A string's characters in UTF-8, with whatever is in them; `nil` where they are not sure.
  ///
  /// Only the types of RFC 5280, section 4.1.2.4, and the older ones as far as they are ASCII: what else TeletexString
  /// may mean, no two readers agree on.
  static func utf8(_ value: UnsafePointer<ASN1_STRING>) -> [UInt8]? {
    let bytes = raw(value)
    switch ASN1_STRING_type(value) {
    case V_ASN1_UTF8STRING:
      return isUTF8(bytes) ? bytes : nil
    case V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING, V_ASN1_VISIBLESTRING, V_ASN1_NUMERICSTRING, V_ASN1_T61STRING:
      return bytes.allSatisfy { $0 < 0x80 } ? bytes : nil
    case V_ASN1_BMPSTRING, V_ASN1_UNIVERSALSTRING:
      return converted(value)
    default:
      return nil
    }
  }

  /// The same as text that may go where a name goes: not empty, and without control characters, line ends and NUL.
  static func shown(_ value: UnsafePointer<ASN1_STRING>) -> String? {
    guard let bytes = utf8(value), !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else {
      return nil
    }
    let isClean = text.unicodeScalars.allSatisfy { scalar in
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: false
      default: true
      }
    }
    return isClean ? text : nil
  }

  /// The bytes of the encoding.
  static func raw(_ value: UnsafePointer<ASN1_STRING>) -> [UInt8] {
    let bytes = UnsafeBufferPointer(start: ASN1_STRING_get0_data(value), count: max(0, Int(ASN1_STRING_length(value))))
    return bytes.baseAddress == nil ? [] : Array(bytes)
  }

  /// Whether a string has nothing in it that could tell two names apart.
  static func isBlank(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x00].contains($0) }
  }

  private static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  private static func converted(_ value: UnsafePointer<ASN1_STRING>) -> [UInt8]? {
    var start: UnsafeMutablePointer<UInt8>?
    let count = ASN1_STRING_to_UTF8(&start, value)
    defer { shim_OPENSSL_free(start) }
    guard count >= 0, let start else {
      OpenSSLErrors.clear()
      return nil
    }
    let bytes = Array(UnsafeBufferPointer(start: start, count: Int(count)))
    return isUTF8(bytes) ? bytes : nil
  }
}

internal import COpenSSL
internal import TextForms

/// What a certificate calls its holder: the subject, and all names of the subject alternative name extension.
struct CertificateNames {
  /// The same bytes for the same names, and for no others. The type of a string does not count, nor does the order of
  /// alternative names; case, spaces, control characters and the order of a subject's parts do.
  let encoding: [UInt8]
  /// Whether there is a character in them that could tell one holder from another.
  let tellApart: Bool
  /// Whether the subject alone has such a character.
  let hasSubject: Bool
  /// For people: in printable ASCII, and cut.
  let text: String

  /// The longest ``text``, in bytes.
  static let textLimit = 120

  init(_ certificate: OpaquePointer) {
    let subject = Self.subject(X509_get_subject_name(certificate))
    let alternatives = Self.alternatives(of: certificate)
    var encoding = CanonicalBytes()
    encoding.part(subject.encoding)
    encoding.set(alternatives.map(\.encoding))
    self.encoding = encoding.bytes
    hasSubject = subject.tellsApart
    tellApart = subject.tellsApart || alternatives.contains(where: \.tellsApart)
    var text = [subject.text] + Set(alternatives.map(\.text)).sorted()
    text.removeAll(where: \.isEmpty)
    self.text = Self.cut(text.joined(separator: ";"))
  }

  private struct Name {
    var encoding: [UInt8]
    var tellsApart: Bool
    var text: String
  }

  /// The subject's parts in their order; in each of them the values, which are a set.
  private static func subject(_ name: OpaquePointer?) -> Name {
    var parts: [[[UInt8]]] = []
    var tellsApart = false
    var lastSet: CInt?
    for index in 0..<max(0, X509_NAME_entry_count(name)) {
      guard let entry = X509_NAME_get_entry(name, index), let value = X509_NAME_ENTRY_get_data(entry) else { continue }
      let set = X509_NAME_ENTRY_set(entry)
      if set != lastSet { parts.append([]) }
      lastSet = set
      var encoding = CanonicalBytes()
      encoding.part(encoded { i2d_ASN1_OBJECT(X509_NAME_ENTRY_get_object(entry), $0) })
      let bytes: [UInt8]
      if let text = NameText.utf8(value) {
        bytes = text
        encoding.count(Int(V_ASN1_UTF8STRING))
      } else {
        bytes = NameText.raw(value)
        // No string type has this number, so these bytes are unlike those of any text.
        encoding.count(1 << 16 + Int(ASN1_STRING_type(value)))
      }
      encoding.part(bytes)
      tellsApart = tellsApart || !NameText.isBlank(bytes)
      parts[parts.count - 1].append(encoding.bytes)
    }
    var encoding = CanonicalBytes()
    encoding.count(parts.count)
    for part in parts { encoding.set(part) }
    return Name(encoding: encoding.bytes, tellsApart: tellsApart, text: CertificateText.subject(name))
  }

  /// Each in the certificate's own encoding, whatever kind it is of.
  private static func alternatives(of certificate: OpaquePointer) -> [Name] {
    var found: [Name] = []
    var place = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1)
    while place >= 0 {
      let part = X509_get_ext(certificate, place)
      if let list = X509V3_EXT_d2i(part).map({ OpaquePointer($0) }) {
        for index in 0..<max(0, shim_sk_GENERAL_NAME_num(list)) {
          guard let name = shim_sk_GENERAL_NAME_value(list, index) else { continue }
          found.append(alternative(name))
        }
        GENERAL_NAMES_free(list)
      } else if let value = X509_EXTENSION_get_data(part) {
        // It cannot be read, but it tells the certificate apart.
        OpenSSLErrors.clear()
        found.append(Name(encoding: NameText.raw(value), tellsApart: true, text: "unreadable names"))
      }
      place = X509_get_ext_by_NID(certificate, NID_subject_alt_name, place)
    }
    return found
  }

  private static func alternative(_ name: UnsafeMutablePointer<GENERAL_NAME>) -> Name {
    let encoding = encoded { i2d_GENERAL_NAME(name, $0) }
    let label: String
    switch shim_GENERAL_NAME_type(name) {
    case GEN_DNS: label = "DNS"
    case GEN_URI: label = "URI"
    case GEN_EMAIL: label = "email"
    case GEN_IPADD: return Name(encoding: encoding, tellsApart: true, text: "IP:" + hex(shim_GENERAL_NAME_ip(name)))
    case GEN_DIRNAME:
      let subject = subject(shim_GENERAL_NAME_directory(name))
      return Name(
        encoding: encoding, tellsApart: subject.tellsApart, text: "directory:" + escaped(Array(subject.text.utf8)))
    default:
      return Name(encoding: encoding, tellsApart: true, text: "other")
    }
    let bytes = shim_GENERAL_NAME_ia5(name).map { NameText.raw($0) } ?? []
    return Name(encoding: encoding, tellsApart: !NameText.isBlank(bytes), text: label + ":" + escaped(bytes))
  }

  private static func encoded(_ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> CInt) -> [UInt8] {
    let count = write(nil)
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    bytes.withUnsafeMutableBufferPointer { bytes in
      // The function moves the pointer that it is given.
      var cursor = bytes.baseAddress
      _ = write(&cursor)
    }
    return bytes
  }

  private static func hex(_ value: UnsafePointer<ASN1_STRING>?) -> String {
    value.map { Hexadecimal.text(NameText.raw($0)) } ?? ""
  }

  /// What a log line, a table or the separator between names could stumble over becomes `\XX`, as in RFC 4514.
  private static func escaped(_ bytes: [UInt8]) -> String {
    var text = ""
    for byte in bytes {
      let isPlain = (0x21...0x7e).contains(byte) && ![0x22, 0x2c, 0x3b, 0x5c].contains(byte)
      if isPlain {
        text.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        text += "\\" + Hexadecimal.text([byte], uppercase: true)
      }
      if text.utf8.count > textLimit { break }
    }
    return text
  }

  private static func cut(_ text: String) -> String {
    let end = "..."
    guard text.utf8.count > textLimit else { return text }
    return String(decoding: text.utf8.prefix(textLimit - end.utf8.count), as: UTF8.self) + end
  }
}

internal import TextForms

/// The file's own name at the client (protocol.md section 3): a label to show, never a path to open.
public struct StreamName: Hashable, Sendable, CustomStringConvertible {
  /// The name in clear. It may have slashes and dots; it has no control character and no line separator.
  public let label: String

  /// Takes a label.
  public init?(label: String) {
    guard !label.isEmpty, !Controls.isIn(label) else { return nil }
    guard !label.unicodeScalars.contains(where: { $0 == "\u{2028}" || $0 == "\u{2029}" }) else { return nil }
    self.label = label
  }

  /// Reads a header's value: `%XX` is a byte, any other character stands for itself; the bytes have to be UTF-8.
  public init?(encoded: String) {
    var bytes: [UInt8] = []
    var rest = encoded.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(Hexadecimal.value), let low = rest.popFirst().flatMap(Hexadecimal.value)
      else {
        return nil
      }
      bytes.append(high << 4 | low)
    }
    guard let label = String(validating: bytes, as: UTF8.self) else { return nil }
    self.init(label: label)
  }

  /// As on the wire: everything but RFC 3986's unreserved characters is percent-encoded.
  public var description: String {
    var text: [UInt8] = []
    for byte in label.utf8 {
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        text.append(byte)
      default:
        text += "%\(Hexadecimal.text([byte], uppercase: true))".utf8
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// `Content-Disposition`, of a part of a form or of a whole message (RFC 6266, RFC 7578, RFC 8187).
package struct ContentDisposition: Sendable, Equatable {
  /// `form-data`, `attachment` and the like, in small letters.
  package let type: String
  /// The name of a form's field.
  package let name: String?
  /// The file's name as the client gave it, perhaps a path: from `filename*`, else from `filename`.
  package let filename: String?

  /// Reads a field's value, or `nil` where it is none.
  package init?(_ text: String) {
    var scanner = ParameterScanner(text, backslash: .escapesQuotes)
    guard let type = scanner.token()?.asciiLowercased, let parameters = scanner.parameters() else { return nil }
    self.type = type
    let isForm = type == "form-data"
    func value(_ name: String) -> String? {
      parameters.first { $0.name == name }.map { isForm ? Self.undoingBrowsers($0.value) : $0.value }
    }
    name = value("name")
    filename = parameters.first { $0.name == "filename*" }.flatMap { Self.extended($0.value) } ?? value("filename")
  }

  /// What the file is called.
  package var label: String? { filename.flatMap(FileLabel.fitting) }

  /// Whether a part is a file: a form's other fields have no file name. An empty one is a file's input that nobody
  /// filled.
  package var isFile: Bool { filename.map { !$0.isEmpty } ?? false }

  /// Browsers write a quote and line ends in names as `%22`, `%0D` and `%0A`, and leave `%` itself alone (the HTML
  /// standard, "multipart/form-data encoding algorithm"). So only these three are undone.
  private static func undoingBrowsers(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%"), let high = rest.first?.nibble, let low = rest.dropFirst().first?.nibble,
        [0x22, 0x0D, 0x0A].contains(high << 4 | low)
      else {
        bytes.append(byte)
        continue
      }
      bytes.append(high << 4 | low)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// `UTF-8'en'%e2%82%ac.txt` (RFC 8187 section 3.2). A bad one counts nothing, so that `filename` does.
  private static func extended(_ text: String) -> String? {
    let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let bytes = PercentCoding.decode(parts[2]) else { return nil }
    switch parts[0].asciiLowercased {
    case "utf-8": return String(validating: bytes, as: UTF8.self)
    case "iso-8859-1": return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    default: return nil
    }
  }
}

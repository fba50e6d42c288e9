/// The first and the last line of a PEM block (RFC 7468, section 3).
enum PEMBoundary: Equatable {
  case begin(String)
  case end(String)

  /// - Parameter line: without what ends it. `nil` for every other line.
  init?(_ line: ArraySlice<UInt8>) {
    let dashes = "-----".utf8
    guard line.count > 10, line.starts(with: dashes), line.suffix(5).elementsEqual(dashes) else { return nil }
    let inner = line.dropFirst(5).dropLast(5)
    guard inner.allSatisfy({ (0x20...0x7e).contains($0) && $0 != 0x2d }) else { return nil }
    let text = String(decoding: inner, as: UTF8.self)
    for (word, make) in [("BEGIN ", Self.begin), ("END ", Self.end)] where text.hasPrefix(word) {
      let label = String(text.dropFirst(word.count))
      guard !label.isEmpty, label.first != " ", label.last != " " else { return nil }
      self = make(label)
      return
    }
    return nil
  }

  private static let labels = ["CERTIFICATE", "KEY", "X509", "PARAMETERS", "CRL", "PKCS", "CMS"]

  /// Whether a line that is no boundary was most likely meant to be one: too few dashes, others than those of ASCII, a
  /// quote sign or spaces in front, a word misspelt, base64 in the same line.
  static func isResembled(by line: ArraySlice<UInt8>) -> Bool {
    // Base64, which most lines are, has neither dashes nor spaces.
    guard line.contains(where: { [0x2d, 0x20, 0xe2].contains($0) }) else { return false }
    let text = String(decoding: line, as: UTF8.self)
    let dashed = String(
      String.UnicodeScalarView(
        text.uppercased().unicodeScalars.map { scalar in
          // Hyphens, dashes of all widths, and the minus sign.
          (0x2010...0x2015).contains(scalar.value) || scalar.value == 0x2212 ? "-" : scalar
        }))
    let hasWord = dashed.contains("BEGIN") || dashed.contains("END")
    let hasLabel = labels.contains { dashed.contains($0) }
    if hasWord, hasLabel, dashed.contains("--") || dashed.contains("-BEGIN") || dashed.contains("-END") { return true }
    if hasWord, dashed.contains("-----") { return true }
    // In capitals alone: these are words of sentences, too.
    if dashed.contains("----"), labels.contains(where: { text.contains($0) }) { return true }
    return ["BEGIN ", "END "].contains { word in
      labels.contains { text.contains(word + $0) } || text.contains(word) && text.contains("PRIVATE KEY")
    }
  }
}

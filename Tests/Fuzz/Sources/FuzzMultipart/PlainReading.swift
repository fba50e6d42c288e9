@testable import HTTPUpload

/// A form read the plain way, with all of its bytes at hand: where the delimiters are, and what lies between them.
struct PlainReading {
  private(set) var contents: [[UInt8]] = []
  private(set) var isWhole = false
  private let bytes: [UInt8]

  init(_ form: [UInt8], boundary: String) {
    // A form begins with its boundary, as if a line had ended before it.
    bytes = Array("\r\n".utf8) + form
    let delimiter = Array("\r\n--\(boundary)".utf8)
    var place = Self.find(delimiter, in: bytes, from: 0)
    while let start = place {
      var next = start + delimiter.count
      if bytes[next...].starts(with: "--".utf8) {
        isWhole = true
        return
      }
      while next < bytes.count, bytes[next] == 0x20 || bytes[next] == 0x09 { next += 1 }
      guard bytes[next...].starts(with: "\r\n".utf8) else { return }
      next += 2
      guard let content = contentStart(next) else { return }
      // The line end before the content may be that of a delimiter already.
      place = Self.find(delimiter, in: bytes, from: content - 2)
      if let place { contents.append(Array(bytes[content..<max(content, place)])) }
    }
  }

  private func contentStart(_ head: Int) -> Int? {
    if bytes[head...].starts(with: "\r\n".utf8) { return head + 2 }
    return Self.find(Array("\r\n\r\n".utf8), in: bytes, from: head).map { $0 + 4 }
  }

  private static func find(_ what: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    var place = start
    while place + what.count <= bytes.count {
      if bytes[place...].starts(with: what) { return place }
      place += 1
    }
    return nil
  }

  /// Every whole part has the bytes that stand there, and none is left out of a whole form.
  func check(_ reading: FormReading) {
    let found = reading.parts.filter(\.isWhole).map(\.content)
    precondition(found.elementsEqual(contents.prefix(found.count)), "found: \(found)\nthere is: \(contents)")
    if reading.isWhole { precondition(isWhole && found.count == contents.count, "a whole form that is none") }
    // A machine may refuse what is too large or has a bad head, and nothing else.
    if isWhole, !reading.isWhole {
      let bounds: [MultipartFault?] = [.head, .headTooLarge, .preamble, .tooManyParts, .delimiter]
      precondition(bounds.contains(reading.fault), "refused: \(String(describing: reading.fault))")
    }
  }
}

package import NIOCore

/// Takes `multipart/form-data` (RFC 7578) apart: bytes in, in slices as they come, events out, one a call.
///
/// Content goes out in slices of what came in. A delimiter may be cut anywhere by the end of a slice; the bytes that
/// may be its beginning are not kept, only counted, since they are known: where they turn out to be content they go out
/// as a slice of the delimiter. So at most a delimiter less one byte is held back, and nothing is copied but heads.
package struct MultipartMachine: Sendable {
  /// The most bytes of a part's head.
  package static let largestHead = 8192
  /// The most parts of a form.
  package static let mostParts = 1000
  /// The most bytes before the first boundary. Mail has words for people there, forms have nothing.
  package static let largestPreamble = 1024

  enum State: Equatable {
    /// Before the first delimiter.
    case preamble(passed: Int)
    /// Behind a delimiter: `--`, or blanks and a line end.
    case delimiterEnd
    case secondDash
    /// Blanks behind a delimiter, which transports may add.
    case padding(passed: Int)
    case lineFeed
    case head
    case content
    /// The form is whole, or broken.
    case over
  }

  var state = State.preamble(passed: 0)
  var input = ByteBuffer()
  /// How many bytes of the delimiter the input so far ends with. Before the first byte the line end is there already,
  /// as a form begins with its boundary and has no line before it.
  var matched = 2
  /// Whether the first two bytes matched belong to the head, so that they are no content where no delimiter comes of
  /// them.
  var isAtContentStart = false
  let delimiter: ByteBuffer
  private var head: [UInt8] = []
  private var parts = 0
  /// Whether the part that has just ended is the form's last.
  private var isLast = false
  private var partIsOpen = false

  /// A machine for a form with that boundary (1 to 70 characters, RFC 2046 section 5.1.1).
  package init(boundary: String) throws(HTTPProblem) {
    let bytes = boundary.utf8
    guard (1...70).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7E).contains($0) }), bytes.last != 0x20 else {
      throw .badForm(.boundary)
    }
    delimiter = ByteBuffer(string: "\r\n--\(boundary)")
  }

  /// A machine for the content that a message's fields announce.
  package init(of fields: HTTPFields) throws(HTTPProblem) {
    guard let boundary = fields.contentType?.parameter("boundary") else { throw .badForm(.boundary) }
    try self.init(boundary: boundary)
  }

  /// Takes the next bytes. Call ``next()`` until it has no more before the next ones come: so they are not copied.
  package mutating func receive(_ bytes: ByteBuffer) {
    if state == .over { return }
    if input.readableBytes == 0 {
      input = bytes
    } else {
      var bytes = bytes
      input.writeBuffer(&bytes)
    }
  }

  /// The body is over. Returns what is wrong with that, if anything; ``next()`` has no more before.
  package mutating func finish() -> MultipartEvent? {
    state == .over ? nil : fail(.truncated)
  }

  /// The next event of what was received; `nil` where more bytes are needed.
  package mutating func next() -> MultipartEvent? {
    if isLast {
      isLast = false
      state = .over
      input = ByteBuffer()
      return .allEnded
    }
    while input.readableBytes > 0 {
      let event: MultipartEvent?
      switch state {
      case .preamble(let passed): event = scanPreamble(passed)
      case .content: event = scanContent()
      case .head: event = scanHead()
      case .over: return nil
      default: event = endDelimiter()
      }
      if let event { return event }
    }
    // Nobody writes into bytes that two hold without a copy.
    input = ByteBuffer()
    return nil
  }

  private mutating func scanPreamble(_ passed: Int) -> MultipartEvent? {
    let before = input.readableBytes
    let found = search()
    let total = passed + before - input.readableBytes
    // Before the first byte two of a delimiter are there, so a form's own beginning counts as less than nothing.
    if total - (found.isDelimiter ? delimiter.readableBytes : matched) > Self.largestPreamble { return fail(.preamble) }
    state = found.isDelimiter ? .delimiterEnd : .preamble(passed: total)
    return nil
  }

  private mutating func scanContent() -> MultipartEvent? {
    let found = search()
    if found.isDelimiter { state = .delimiterEnd }
    return found.content.map { .bytes($0) }
  }

  /// A part ends only when the line of its delimiter is one: what merely looks like it would cut a file short.
  private mutating func endDelimiter() -> MultipartEvent? {
    guard let byte: UInt8 = input.readInteger() else { return nil }
    switch (state, byte) {
    case (.delimiterEnd, UInt8(ascii: "-")): state = .secondDash
    case (.secondDash, UInt8(ascii: "-")):
      if partIsOpen {
        isLast = true
        return partEnd()
      }
      state = .over
      input = ByteBuffer()
      return .allEnded
    case (.delimiterEnd, 0x20), (.delimiterEnd, 0x09): state = .padding(passed: 1)
    case (.padding(let passed), 0x20), (.padding(let passed), 0x09):
      if passed == 70 { return fail(.delimiter) }
      state = .padding(passed: passed + 1)
    case (.delimiterEnd, UInt8(ascii: "\r")), (.padding, UInt8(ascii: "\r")): state = .lineFeed
    case (.lineFeed, UInt8(ascii: "\n")):
      if parts == Self.mostParts { return fail(.tooManyParts) }
      parts += 1
      state = .head
      if partIsOpen { return partEnd() }
    default: return fail(.delimiter)
    }
    return nil
  }

  private mutating func scanHead() -> MultipartEvent? {
    while let byte: UInt8 = input.readInteger() {
      head.append(byte)
      if byte == UInt8(ascii: "\n"), head.count == 2 && head[0] == UInt8(ascii: "\r") || head.endsWithEmptyLine {
        return beginPart()
      }
      if head.count >= Self.largestHead { return fail(.headTooLarge) }
    }
    return nil
  }

  private mutating func beginPart() -> MultipartEvent {
    guard let part = PartHead(head.dropLast(2)) else { return fail(.head) }
    head.removeAll()
    state = .content
    partIsOpen = true
    // The head's line end may be that of a delimiter already: a part without content.
    matched = 2
    isAtContentStart = true
    return .partBegins(part)
  }

  private mutating func partEnd() -> MultipartEvent {
    partIsOpen = false
    return .partEnds
  }

  private mutating func fail(_ fault: MultipartFault) -> MultipartEvent {
    state = .over
    input = ByteBuffer()
    return .malformed(fault)
  }
}

extension [UInt8] {
  fileprivate var endsWithEmptyLine: Bool { suffix(4).elementsEqual("\r\n\r\n".utf8) }
}

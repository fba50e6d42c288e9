import NIOCore

/// The search for the next delimiter. A delimiter begins with a carriage return and has no other: so after a mismatch
/// the search can only begin anew, at that very byte where it is one.
extension MultipartMachine {
  /// What a search came upon.
  struct Found {
    /// The bytes before the place where the search stopped that are certain to be content.
    var content: ByteBuffer?
    /// Whether it stopped behind a delimiter.
    var isDelimiter: Bool
  }

  /// Reads on to the next delimiter, to the end of the input, or to a point where content was found that is not in the
  /// input but was held back.
  mutating func search() -> Found {
    if matched > 0, let found = resume() { return found }
    let view = input.readableBytesView
    var from = view.startIndex
    while let start = view[from...].firstIndex(of: UInt8(ascii: "\r")) {
      let length = match(view[start...], from: 0)
      guard length == delimiter.readableBytes || start + length == view.endIndex else {
        from = start + length
        continue
      }
      // Whole, or cut off by the end of the input.
      let content = input.readSlice(length: start - view.startIndex)
      input.moveReaderIndex(forwardBy: length)
      isAtContentStart = false
      return stop(behind: length, content: content)
    }
    isAtContentStart = false
    return Found(content: nonempty(input.readSlice(length: input.readableBytes)), isDelimiter: false)
  }

  /// Goes on with a delimiter that the last slice ended in. `nil` where it was none and held nothing back.
  private mutating func resume() -> Found? {
    let held = matched
    let length = match(input.readableBytesView, from: held)
    if held + length == delimiter.readableBytes || length == input.readableBytes {
      input.moveReaderIndex(forwardBy: length)
      return stop(behind: held + length, content: nil)
    }
    // It is content, what was held and what matched now. The latter goes out with it: it is in the delimiter too.
    matched = 0
    input.moveReaderIndex(forwardBy: length)
    let foreign = isAtContentStart ? 2 : 0
    isAtContentStart = false
    return nonempty(delimiter.getSlice(at: delimiter.readerIndex + foreign, length: held + length - foreign))
      .map { Found(content: $0, isDelimiter: false) }
  }

  /// How many bytes go on as the delimiter does from one of its places.
  private func match(_ bytes: ByteBufferView, from place: Int) -> Int {
    zip(bytes, delimiter.readableBytesView.dropFirst(place)).prefix { $0 == $1 }.count
  }

  private mutating func stop(behind length: Int, content: ByteBuffer?) -> Found {
    let isWhole = length == delimiter.readableBytes
    matched = isWhole ? 0 : length
    if isWhole { isAtContentStart = false }
    return Found(content: nonempty(content), isDelimiter: isWhole)
  }

  private func nonempty(_ bytes: ByteBuffer?) -> ByteBuffer? {
    bytes.flatMap { $0.readableBytes > 0 ? $0 : nil }
  }
}

import NIOCore

/// Finds frames of HTTP/2 that bring next to nothing: floods of WINDOW_UPDATE, and content that drips byte by byte. Each costs
/// the gateway as much as one of 16 KiB, and NIO takes any number of them. Requests are no such frames, nor their ends.
///
/// Knows the heads of frames alone (RFC 9113, section 4.1), and copies no byte.
struct HTTP2FrameCount {
  /// What a client sends before its first frame (RFC 9113, section 3.4), in bytes.
  static let preface = 24
  /// A frame with fewer bytes brings next to nothing.
  static let little = 256

  private static let headSize = 9
  /// Bytes of the preface, or of the current frame, that have not come yet.
  private var toSkip = preface
  /// Of a head that the last bytes ended in: how many have come, and what they say so far.
  private var headBytes = 0
  private var head: UInt64 = 0

  /// Takes the next bytes.
  ///
  /// - Returns: how many frames began in them that bring next to nothing.
  mutating func take(_ bytes: ByteBufferView) -> Int {
    var count = 0
    var place = bytes.startIndex
    while place < bytes.endIndex {
      if toSkip > 0 {
        let skipped = min(toSkip, bytes.endIndex - place)
        toSkip -= skipped
        place += skipped
        continue
      }
      // Length, type and flags; the stream says nothing here.
      if headBytes < 5 { head = head << 8 | UInt64(bytes[place]) }
      headBytes += 1
      place += 1
      guard headBytes == Self.headSize else { continue }
      toSkip = Int(head >> 16)
      if toSkip < Self.little, Self.bringsNothing(type: head >> 8 & 0xFF, flags: head & 0xFF) { count += 1 }
      (headBytes, head) = (0, 0)
    }
    return count
  }

  private static func bringsNothing(type: UInt64, flags: UInt64) -> Bool {
    switch type {
    case 0: flags & 1 == 0  // DATA, unless it ends its stream
    case 1, 9: false  // HEADERS, CONTINUATION
    default: true
    }
  }
}

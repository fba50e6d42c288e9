internal import GatewayCore

/// Well-formed UTF-8 (RFC 3629, section 4): shortest forms only, no surrogates, nothing above U+10FFFF.
final class UTF8Inspector: ContentInspector {
  private var offset: Int64 = 0
  private var sequence = UTF8Sequence()

  func inspect(_ bytes: UnsafeRawBufferPointer) throws(ContentFault) {
    var index = 0
    while index < bytes.count {
      if !sequence.isOpen {
        index = Self.endOfASCII(bytes, from: index)
        if index == bytes.count { break }
      }
      guard sequence.take(bytes[index]) else {
        throw ContentFault(offset: offset + Int64(index), reason: "a byte that cannot be here in UTF-8")
      }
      index += 1
    }
    offset += Int64(bytes.count)
  }

  func finish() throws(ContentFault) {
    if sequence.isOpen { throw ContentFault(offset: offset, reason: "the text ends within a character") }
  }

  /// The place of the first byte from `start` on that is above 0x7F, or the end.
  private static func endOfASCII(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while index + 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      if word & 0x8080_8080_8080_8080 != 0 { break }
      index += 8
    }
    while index < bytes.count, bytes[index] < 0x80 { index += 1 }
    return index
  }
}

internal import NIOCore

/// The first 32 bytes of a gzip member (RFC 1952, section 2.3), which say where the next one begins (docs/gzip.md).
struct MemberHeader: Hashable, Sendable {
  /// In bytes.
  static let size = 32
  /// CRC-32 and size, after the deflate stream, in bytes.
  static let trailerSize = 8
  /// No member is larger, raw or compressed; in bytes.
  static let sizeLimit = 16 << 20

  /// The member with header and trailer, in bytes; 0 in one that was never ended.
  var memberSize: UInt32
  /// Bytes of the upload in it.
  var rawSize: UInt32
  /// Bytes of the upload before it.
  var rawOffset: UInt64

  init(memberSize: UInt32, rawSize: UInt32, rawOffset: UInt64) {
    self.memberSize = memberSize
    self.rawSize = rawSize
    self.rawOffset = rawOffset
  }

  // Deflate; an extra field and nothing else; no time; system unknown; 20 bytes of extra field, all of them the
  // subfield "SL" with 16 bytes.
  private static let start: [UInt8] = [
    0x1F, 0x8B, 8, 4, 0, 0, 0, 0, 0, 255, 20, 0, UInt8(ascii: "S"), UInt8(ascii: "L"), 16, 0,
  ]

  /// `nil` for anything but the header of an ended member with plausible sizes.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.size, bytes.prefix(Self.start.count).elementsEqual(Self.start) else { return nil }
    memberSize = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
    rawSize = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self))
    rawOffset = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    guard memberSize > Self.size + Self.trailerSize, memberSize <= Self.sizeLimit, rawSize <= Self.sizeLimit,
      rawOffset <= UInt64(Int64.max)
    else { return nil }
  }

  var bytes: ByteBuffer {
    var bytes = ByteBufferAllocator().buffer(capacity: Self.size)
    bytes.writeBytes(Self.start)
    bytes.writeInteger(memberSize, endianness: .little)
    bytes.writeInteger(rawSize, endianness: .little)
    bytes.writeInteger(rawOffset, endianness: .little)
    return bytes
  }
}

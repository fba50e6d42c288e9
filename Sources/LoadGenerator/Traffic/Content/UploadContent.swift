import NIOCore

/// The bytes of one upload. They are slices of what is in memory anyway; none is copied.
struct UploadContent: Sendable {
  /// Made bytes repeat after so many.
  static let period = 1 << 20
  /// No portion is larger, in bytes.
  static let largestPortion = 512 << 10

  let size: Int64
  /// Made: ``period`` and ``largestPortion`` bytes, so that a portion may begin anywhere in the first period.
  private let bytes: ByteBuffer
  private let start: Int
  private let format: UploadKind.Format
  private let repeats: Bool

  /// A file.
  init(file: ByteBuffer) {
    (bytes, size, start, format, repeats) = (file, Int64(file.readableBytes), 0, .bytes, false)
  }

  /// Bytes of a stock from a place on.
  init(stock: ByteBuffer, start: Int, size: Int64, format: UploadKind.Format) {
    (bytes, self.size, self.start, self.format, repeats) = (stock, size, start, format, true)
  }

  /// Whether it is of a stock; of a file otherwise.
  var isMade: Bool { repeats }

  /// What tells contents of the stocks apart.
  var identity: Identity { Identity(start: start, size: size, format: format) }

  struct Identity: Hashable {
    var start: Int
    var size: Int64
    var format: UploadKind.Format
  }

  /// Up to so many bytes from an offset on; at least one.
  ///
  /// - Precondition: the offset is below the size, and `most` above 0.
  func portion(at offset: Int64, most: Int) -> ByteBuffer {
    precondition(offset < size && most > 0, "there is no byte there")
    var count = Int(min(Int64(min(most, Self.largestPortion)), size - offset))
    if format == .json, repeats {
      if offset == 0 || offset == size - 1 { return Self.quote }
      count = min(count, Int(size - 1 - offset))
    }
    let place = repeats ? (start + Int(offset % Int64(Self.period))) % Self.period : Int(offset)
    guard let slice = bytes.getSlice(at: bytes.readerIndex + place, length: count) else {
      preconditionFailure("a portion beyond the content")
    }
    return slice
  }

  private static let quote = ByteBuffer(string: "\"")
}

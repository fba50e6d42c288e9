/// The header of any gzip member (RFC 1952, section 2.3), of which only the size matters here.
enum GzipHeader {
  enum Measure: Hashable {
    /// More has to come.
    case incomplete
    /// These are all its bytes.
    case complete
    /// No header begins like this.
    case invalid
  }

  /// In bytes: the largest extra field, and a name. Names and comments have no bound of their own.
  private static let sizeLimit = 68 << 10

  /// Whether `bytes` are a header, or the beginning of one. To be asked after each byte.
  static func measure(_ bytes: [UInt8]) -> Measure {
    guard bytes.count <= sizeLimit, zip(bytes, [0x1F, 0x8B, 8] as [UInt8]).allSatisfy(==) else { return .invalid }
    guard bytes.count >= 10 else { return .incomplete }
    let flags = bytes[3]
    guard flags & 0xE0 == 0 else { return .invalid }
    var end = 10
    if flags & 4 != 0 {
      guard bytes.count >= end + 2 else { return .incomplete }
      end += 2 + Int(bytes[end]) + Int(bytes[end + 1]) << 8
    }
    for flag: UInt8 in [8, 16] where flags & flag != 0 {
      guard bytes.count > end, let zero = bytes[end...].firstIndex(of: 0) else { return .incomplete }
      end = zero + 1
    }
    if flags & 2 != 0 { end += 2 }
    return bytes.count < end ? .incomplete : .complete
  }
}

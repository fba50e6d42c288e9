internal import GatewayCore
internal import Glibc
internal import NIOCore

/// Reads members back.
enum MemberReader {
  /// The bytes of the upload in the member at `place`, held against its checksum, and the member's own size.
  static func read(
    _ file: OpenFile, at place: Int64, rawOffset: Int64
  ) throws(SinkFailure) -> (bytes: ByteBuffer, size: Int64) {
    let start = try bytes(of: file, at: place, count: MemberHeader.size)
    guard let header = start.withUnsafeReadableBytes({ MemberHeader($0) }), header.rawOffset == UInt64(rawOffset) else {
      throw damage(file, place)
    }
    let rest = try bytes(
      of: file, at: place + Int64(MemberHeader.size), count: Int(header.memberSize) - MemberHeader.size)
    let stream = rest.getSlice(at: 0, length: rest.readableBytes - MemberHeader.trailerSize)
    let checksum = rest.getInteger(
      at: rest.readableBytes - MemberHeader.trailerSize, endianness: .little, as: UInt32.self)
    guard
      let raw = stream?.withUnsafeReadableBytes({ ZlibInflater.inflate($0, count: Int(header.rawSize)) })
    else { throw damage(file, place) }
    var computed = GzipChecksum()
    raw.withUnsafeReadableBytes { computed.add($0) }
    guard computed.value == checksum else { throw damage(file, place) }
    return (raw, Int64(header.memberSize))
  }

  private static func damage(_ file: OpenFile, _ place: Int64) -> SinkFailure {
    .storage("\(file.place) is damaged: at \(place) is no whole gzip member; something else changed it")
  }

  static func bytes(of file: OpenFile, at place: Int64, count: Int) throws(SinkFailure) -> ByteBuffer {
    var buffer = ByteBufferAllocator().buffer(capacity: count)
    while buffer.readableBytes < count {
      var code: CInt = 0
      let missing = count - buffer.readableBytes
      let from = Int(place) + buffer.readableBytes
      let got = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) { space in
        let got = uninterrupted { pread(file.descriptor, space.baseAddress, missing, from) }
        if got < 0 { code = errno }
        return max(got, 0)
      }
      if code != 0 { throw .system("reading back at \(from) of", file.place, code) }
      guard got > 0 else { throw damage(file, place) }
    }
    return buffer
  }
}

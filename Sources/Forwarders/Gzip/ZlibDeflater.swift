internal import CZlib
internal import NIOCore

/// Deflate by zlib.
final class ZlibDeflater: Deflater {
  /// This much of a member is tried, in bytes; less than ``sampleLeast`` tells nothing.
  private static let sampleSize = 16 << 10
  private static let sampleLeast = 1 << 10

  // zlib's state points back to the stream, so the stream must stay where it is.
  private let stream: UnsafeMutablePointer<z_stream>
  private let level: CInt

  init(level: Int) throws(CompressionFault) {
    self.level = CInt(min(max(level, 1), 9))
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = sluice_deflate_init_bare(stream, self.level)
    guard code == Z_OK else {
      stream.deallocate()
      throw CompressionFault(code: code)
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func begin(sample: UnsafeRawBufferPointer) throws(CompressionFault) {
    let isSqueezed = try shrinks(sample)
    try restart(level: isSqueezed ? level : 0)
  }

  func add(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CompressionFault) {
    // A null pointer with no bytes would be an error of its own.
    guard !bytes.isEmpty else { return }
    try run(bytes, Z_NO_FLUSH, to: &output)
  }

  func end(to output: inout ByteBuffer) throws(CompressionFault) {
    try run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH, to: &output)
  }

  private func restart(level: CInt) throws(CompressionFault) {
    var code = deflateReset(stream)
    if code == Z_OK { code = deflateParams(stream, level, Z_DEFAULT_STRATEGY) }
    guard code == Z_OK else { throw CompressionFault(code: code) }
  }

  /// Whether the fastest level gains more than two in a hundred.
  private func shrinks(_ sample: UnsafeRawBufferPointer) throws(CompressionFault) -> Bool {
    guard sample.count >= Self.sampleLeast else { return true }
    let sample = UnsafeRawBufferPointer(rebasing: sample.prefix(Self.sampleSize))
    try restart(level: 1)
    var output = ByteBufferAllocator().buffer(capacity: sample.count + 1024)
    try add(sample, to: &output)
    try end(to: &output)
    return output.readableBytes < sample.count - sample.count / 50
  }

  private func run(
    _ bytes: UnsafeRawBufferPointer, _ flush: CInt, to output: inout ByteBuffer
  ) throws(CompressionFault) {
    // zlib does not write to its input, its type only says that it may.
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: Bytef.self).baseAddress)
    stream.pointee.avail_in = uInt(bytes.count)
    defer { stream.pointee.next_in = nil }
    while true {
      var code = Z_OK
      output.writeWithUnsafeMutableBytes(minimumWritableBytes: max(4096, bytes.count / 4)) { space in
        stream.pointee.next_out = space.bindMemory(to: Bytef.self).baseAddress
        stream.pointee.avail_out = uInt(space.count)
        code = deflate(stream, flush)
        return space.count - Int(stream.pointee.avail_out)
      }
      switch code {
      case Z_STREAM_END: return
      // Nothing was left to do.
      case Z_BUF_ERROR where flush == Z_NO_FLUSH: return
      case Z_OK, Z_BUF_ERROR:
        if flush == Z_NO_FLUSH, stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return }
      default: throw CompressionFault(code: code)
      }
    }
  }
}

internal import CZlib
internal import NIOCore

/// Deflate by zlib.
final class ZlibDeflater: Deflater {
  // zlib's state points back to the stream, so the stream must stay where it is.
  private let stream: UnsafeMutablePointer<z_stream>

  init(level: Int) throws(CompressionFault) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = sluice_deflate_init_bare(stream, CInt(min(max(level, 1), 9)))
    guard code == Z_OK else {
      stream.deallocate()
      throw CompressionFault(code: code)
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func begin() throws(CompressionFault) {
    let code = deflateReset(stream)
    guard code == Z_OK else { throw CompressionFault(code: code) }
  }

  func add(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CompressionFault) {
    // A null pointer with no bytes would be an error of its own.
    guard !bytes.isEmpty else { return }
    try run(bytes, Z_NO_FLUSH, to: &output)
  }

  func end(endsStream: Bool, to output: inout ByteBuffer) throws(CompressionFault) {
    try run(UnsafeRawBufferPointer(start: nil, count: 0), endsStream ? Z_FINISH : Z_SYNC_FLUSH, to: &output)
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
      output.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { space in
        stream.pointee.next_out = space.bindMemory(to: Bytef.self).baseAddress
        stream.pointee.avail_out = uInt(space.count)
        code = deflate(stream, flush)
        return space.count - Int(stream.pointee.avail_out)
      }
      switch code {
      case Z_STREAM_END: return
      // Nothing was left to do.
      case Z_BUF_ERROR where flush != Z_FINISH: return
      case Z_OK, Z_BUF_ERROR:
        if flush != Z_FINISH, stream.pointee.avail_in == 0, stream.pointee.avail_out > 0 { return }
      default: throw CompressionFault(code: code)
      }
    }
  }
}

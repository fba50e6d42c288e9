internal import CZlib
internal import NIOCore

/// Bare deflate streams that are in memory as a whole.
enum ZlibInflater {
  /// The bytes that `stream` was made of; `nil` where it is damaged, or they are not exactly `count`.
  static func inflate(_ stream: UnsafeRawBufferPointer, count: Int) -> ByteBuffer? {
    var state = z_stream()
    return withUnsafeMutablePointer(to: &state) { state in
      guard sluice_inflate_init_bare(state) == Z_OK else { return nil }
      defer { inflateEnd(state) }
      // One byte more than is expected shows a stream that is too long, and gives zlib a place where nothing is.
      var output = ByteBufferAllocator().buffer(capacity: count + 1)
      state.pointee.next_in = UnsafeMutablePointer(mutating: stream.bindMemory(to: Bytef.self).baseAddress)
      state.pointee.avail_in = uInt(stream.count)
      var code = Z_OK
      output.writeWithUnsafeMutableBytes(minimumWritableBytes: count + 1) { space in
        state.pointee.next_out = space.bindMemory(to: Bytef.self).baseAddress
        state.pointee.avail_out = uInt(count + 1)
        code = CZlib.inflate(state, Z_FINISH)
        return count + 1 - Int(state.pointee.avail_out)
      }
      guard code == Z_STREAM_END, state.pointee.avail_in == 0, output.readableBytes == count else { return nil }
      return output
    }
  }
}

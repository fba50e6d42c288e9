internal import Glibc
internal import NIOCore

/// Writes a list of buffers to a place in a file, with as few system calls as the system allows.
enum VectoredWrite {
  /// What a system call takes at most (`IOV_MAX` on Linux).
  static let buffersPerCall = 1024

  typealias Call = (CInt, UnsafePointer<iovec>, CInt, Int) -> Int

  /// Writes all of `buffers` to `file` from `offset` on. Goes on after short writes and signals.
  ///
  /// - Parameter call: `pwritev(2)`.
  /// - Returns: 0, or the `errno` of the call that failed; then an unknown part has been written.
  static func write(
    _ buffers: [ByteBuffer], to file: CInt, at offset: Int64, call: Call = { pwritev($0, $1, $2, $3) }
  ) -> CInt {
    var position = Int(offset)
    var first = 0
    // Bytes of the first buffer that are written already.
    var skipped = 0
    return withUnsafeTemporaryAllocation(of: iovec.self, capacity: min(buffers.count, buffersPerCall)) { vectors in
      while first < buffers.count {
        var count = 0
        for buffer in buffers[first...].prefix(buffersPerCall) {
          // The pointer outlives this closure, as the array keeps the buffer's storage where it is until all is written.
          buffer.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
            let rest = UnsafeMutableRawBufferPointer(
              mutating: UnsafeRawBufferPointer(rebasing: bytes.dropFirst(count == 0 ? skipped : 0)))
            vectors.initializeElement(at: count, to: iovec(iov_base: rest.baseAddress, iov_len: rest.count))
          }
          count += 1
        }
        guard let base = vectors.baseAddress else { break }
        var written = call(file, base, CInt(count), position)
        if written < 0 {
          if errno == EINTR { continue }
          return errno
        }
        // No file takes nothing of something for ever; without this a broken one would keep the thread spinning.
        if written == 0 { return EIO }
        position += written
        while first < buffers.count, written >= buffers[first].readableBytes - skipped {
          written -= buffers[first].readableBytes - skipped
          skipped = 0
          first += 1
        }
        skipped += written
      }
      return 0
    }
  }
}

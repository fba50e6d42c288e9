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
    let segments = buffers.map { buffer in
      // The pointer outlives this closure, as the array keeps the buffer's storage where it is until all is written.
      buffer.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
        iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
      }
    }
    return withExtendedLifetime(buffers) { write(segments, to: file, at: offset, call: call) }
  }

  /// The same with bytes that are somebody's.
  static func write(
    _ segments: [iovec], to file: CInt, at offset: Int64, call: Call = { pwritev($0, $1, $2, $3) }
  ) -> CInt {
    var segments = segments[...]
    var position = Int(offset)
    while !segments.isEmpty {
      let wanted = segments.prefix(buffersPerCall)
      var written = wanted.withUnsafeBufferPointer { vectors in
        vectors.baseAddress.map { call(file, $0, CInt(vectors.count), position) } ?? 0
      }
      if written < 0 {
        if errno == EINTR { continue }
        return errno
      }
      // No file takes nothing of something for ever; without this a broken one would keep the thread spinning.
      if written == 0, wanted.contains(where: { $0.iov_len > 0 }) { return EIO }
      position += written
      while let first = segments.first, written >= first.iov_len {
        written -= first.iov_len
        segments.removeFirst()
      }
      guard written > 0 else { continue }
      segments[segments.startIndex].iov_base = segments[segments.startIndex].iov_base.map { $0 + written }
      segments[segments.startIndex].iov_len -= written
    }
    return 0
  }
}

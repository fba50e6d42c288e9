#if ISAL
  internal import CISAL
  internal import NIOCore

  /// Deflate by ISA-L's igzip.
  final class IgzipDeflater: Deflater {
    // The stream points to the work space, and into itself, so both must stay where they are.
    private let stream: UnsafeMutableRawPointer
    private let work: UnsafeMutableRawPointer

    init() {
      let alignment = Int(SLUICE_IGZIP_ALIGNMENT)
      stream = .allocate(byteCount: sluice_igzip_stream_size(), alignment: alignment)
      work = .allocate(byteCount: sluice_igzip_work_size(), alignment: alignment)
      sluice_igzip_init(stream, work)
    }

    deinit {
      stream.deallocate()
      work.deallocate()
    }

    func begin() {
      sluice_igzip_reset(stream)
    }

    func add(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CompressionFault) {
      guard !bytes.isEmpty else { return }
      try run(bytes, isFlushed: false, endsStream: false, to: &output)
    }

    func end(endsStream: Bool, to output: inout ByteBuffer) throws(CompressionFault) {
      try run(UnsafeRawBufferPointer(start: nil, count: 0), isFlushed: !endsStream, endsStream: endsStream, to: &output)
    }

    private func run(
      _ bytes: UnsafeRawBufferPointer, isFlushed: Bool, endsStream: Bool, to output: inout ByteBuffer
    ) throws(CompressionFault) {
      sluice_igzip_set_input(stream, bytes.baseAddress, UInt32(bytes.count))
      var left: UInt32 = 0
      repeat {
        var code: CInt = 0
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { space in
          // An output buffer is at most a member's limit, far from what 32 bits hold.
          let count = UInt32(truncatingIfNeeded: space.count)
          code = sluice_igzip_run(stream, space.baseAddress, count, isFlushed ? 1 : 0, endsStream ? 1 : 0, &left)
          return Int(count - left)
        }
        guard code == 0 else { throw CompressionFault(code: code) }
      } while left == 0
    }
  }
#endif

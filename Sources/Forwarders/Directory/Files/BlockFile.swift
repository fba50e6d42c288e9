internal import CLinux
internal import GatewayCore
internal import Glibc
internal import NIOCore

/// A file that grows at its end.
///
/// What comes in large pieces goes past the page cache in whole blocks (`O_DIRECT` in open(2)): that saves copying each
/// byte, and a sync finds next to nothing left to do. The rest, and everything where the file system has no such way, goes
/// through the cache. Linux keeps both in order: what the cache has of a block is dropped when the block is written directly.
final class BlockFile {
  /// From this size on bytes are worth a wait for the disk.
  static let directFrom = 128 << 10

  private enum Direct {
    case unopened
    case open(CInt)
    case unavailable
  }

  /// In bytes, with what does not fill a block yet and is in memory.
  private(set) var size: Int64
  /// The bytes before this offset are in the file: a sync makes them safe.
  private(set) var flushed: Int64
  private let file: OpenFile
  /// The same file, opened anew.
  private var direct: Direct
  private let cutter = BlockCutter()
  private var writeBack: WriteBack

  /// - Parameters:
  ///   - size: of the file.
  ///   - isDirect: whether the page cache may be passed by.
  init(_ file: OpenFile, at size: Int64, isDirect: Bool) {
    self.file = file
    self.size = size
    flushed = size
    direct = isDirect ? .unopened : .unavailable
    writeBack = WriteBack(from: size)
  }

  deinit {
    close()
  }

  /// Lets go of the file; nothing more is appended. A descriptor that is open keeps a removed file's space.
  func close() {
    if case .open(let descriptor) = direct { Glibc.close(descriptor) }
    direct = .unavailable
  }

  /// After a failure only what was flushed counts.
  func append(_ buffers: [ByteBuffer]) throws(SinkFailure) {
    let count = buffers.reduce(0) { $0 + $1.readableBytes }
    guard count > 0 else { return }
    if count >= Self.directFrom, let descriptor = directDescriptor() {
      try appendBlocks(buffers, count, descriptor)
    } else {
      try flush()
      cutter.reset()
      try appendThroughCache(buffers, count)
    }
  }

  /// Appends bytes of another file without having them in memory, and shares its blocks where the file system can.
  ///
  /// - Returns: `false` where the file system has no such way; then nothing was appended.
  func appendRange(_ range: Range<Int64>, of source: OpenFile) throws(SinkFailure) -> Bool {
    try flush()
    cutter.reset()
    var from = range.lowerBound
    while from < range.upperBound {
      let count = uninterrupted {
        sluice_copy_range(source.descriptor, from, file.descriptor, size, Int(range.upperBound - from))
      }
      guard count > 0 else {
        let code = count == 0 ? EIO : errno
        if from == range.lowerBound, [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP].contains(code) { return false }
        throw .system("copying \(source.place) to", file.place, code)
      }
      from += Int64(count)
      size += Int64(count)
      flushed = size
      writeBack.reached(size, of: file.descriptor)
    }
    return true
  }

  /// Brings ``flushed`` up to ``size``.
  func flush() throws(SinkFailure) {
    guard flushed < size else { return }
    let carry = cutter.carry
    let place = size - Int64(carry.count)
    try write([iovec(iov_base: UnsafeMutableRawPointer(mutating: carry.baseAddress), iov_len: carry.count)], at: place)
    flushed = size
  }

  /// Replaces bytes that were appended.
  func overwrite(_ bytes: ByteBuffer, at place: Int64) throws(SinkFailure) {
    let code = VectoredWrite.write([bytes], to: file.descriptor, at: place)
    guard code == 0 else { throw failure(bytes.readableBytes, at: place, code) }
    bytes.withUnsafeReadableBytes { cutter.overwrite($0, at: Int(place - (size - Int64(cutter.carried)))) }
  }

  private func appendThroughCache(_ buffers: [ByteBuffer], _ count: Int) throws(SinkFailure) {
    let code = VectoredWrite.write(buffers, to: file.descriptor, at: size)
    guard code == 0 else { throw failure(count, at: size, code) }
    size += Int64(count)
    flushed = size
    writeBack.reached(size, of: file.descriptor)
  }

  private func appendBlocks(_ buffers: [ByteBuffer], _ count: Int, _ descriptor: CInt) throws(SinkFailure) {
    var skip = 0
    let begun = Int(size % Int64(BlockCutter.blockSize))
    if begun > 0, cutter.carried == 0, var first = buffers.first {
      // The block that the file ends in is not in memory; its rest is written beside it.
      skip = min(BlockCutter.blockSize - begun, first.readableBytes)
      try appendThroughCache([first.readSlice(length: skip) ?? ByteBuffer()], skip)
    }
    let place = size - Int64(cutter.carried)
    guard place % Int64(BlockCutter.blockSize) == 0 else {
      // The first buffer did not even fill that block.
      var rest = buffers
      rest[0].moveReaderIndex(forwardBy: skip)
      return try appendThroughCache(rest, count - skip)
    }
    let run = cutter.cut(buffers, skip: skip)
    defer { run.deallocate() }
    // Nothing below would keep the buffers' memory, which the run points to.
    try withExtendedLifetime(buffers) { () throws(SinkFailure) in
      let code = VectoredWrite.write(run.segments, to: descriptor, at: place)
      switch code {
      case 0: break
      case EINVAL:
        // Some file systems open a file in this way and do not write so.
        close()
        try write(run.segments, at: place)
      default: throw failure(run.count, at: place, code)
      }
    }
    size += Int64(count - skip)
    flushed = max(flushed, place + Int64(run.count))
  }

  private func write(_ segments: [iovec], at place: Int64) throws(SinkFailure) {
    let code = VectoredWrite.write(segments, to: file.descriptor, at: place)
    guard code == 0 else { throw failure(segments.reduce(0) { $0 + $1.iov_len }, at: place, code) }
  }

  private func directDescriptor() -> CInt? {
    switch direct {
    case .open(let descriptor): return descriptor
    case .unavailable: return nil
    case .unopened:
      // By its descriptor, so that it is this file whatever has become of its name.
      let path = "/proc/self/fd/\(file.descriptor)"
      // O_DIRECT without underscores is declared under _GNU_SOURCE alone.
      let descriptor = uninterrupted { Glibc.open(path, O_WRONLY | __O_DIRECT | O_CLOEXEC) }
      direct = descriptor >= 0 ? .open(descriptor) : .unavailable
      return descriptor >= 0 ? descriptor : nil
    }
  }

  private func failure(_ count: Int, at place: Int64, _ code: CInt) -> SinkFailure {
    .system("writing \(count) bytes at \(place) of", file.place, code)
  }
}

internal import Glibc
internal import NIOCore

/// Cuts a stream of bytes on its way to a file into whole blocks, which can be written past the page cache, and keeps what
/// does not fill one yet. Has no I/O.
///
/// Where a buffer's memory and its place in the file leave the same remainder by a block's size, its
/// blocks stay where they are; the others are copied.
final class BlockCutter {
  static let blockSize = FileBlock.size
  /// `O_DIRECT` wants memory aligned to the device's logical blocks, which for what is in use today is no more.
  private static let memoryAlignment = 512

  /// Blocks to be written one after the other. Its memory is the buffers' and its own: good for as long as both are.
  struct Run {
    fileprivate(set) var segments: [iovec] = []
    /// In bytes, a multiple of the block's size.
    fileprivate(set) var count = 0
    private var copies: [UnsafeMutableRawPointer] = []

    fileprivate mutating func append(_ bytes: UnsafeRawBufferPointer, copying isCopied: Bool) {
      var start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
      if isCopied, let source = bytes.baseAddress {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: bytes.count, alignment: BlockCutter.blockSize)
        copy.copyMemory(from: source, byteCount: bytes.count)
        copies.append(copy)
        start = copy
      }
      segments.append(iovec(iov_base: start, iov_len: bytes.count))
      count += bytes.count
    }

    func deallocate() {
      for copy in copies { copy.deallocate() }
    }
  }

  /// The memory of one block, made at its first use.
  private var block: UnsafeMutableRawPointer?
  /// How much of it is filled: the last bytes of the stream, less than a block.
  private(set) var carried = 0

  deinit {
    block?.deallocate()
  }

  /// What does not fill a block.
  var carry: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: block, count: carried) }

  /// Replaces carried bytes; those at negative places are not carried any more.
  func overwrite(_ bytes: UnsafeRawBufferPointer, at place: Int) {
    guard let block, place < carried, place + bytes.count > 0 else { return }
    let skipped = max(0, -place)
    let part = bytes.dropFirst(skipped).prefix(carried - max(0, place))
    UnsafeMutableRawBufferPointer(start: block + max(0, place), count: part.count)
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
  }

  /// Forgets what is carried; it is in the file already, whose next byte fills a block's place from its beginning.
  func reset() {
    carried = 0
  }

  /// The whole blocks of what is carried and of `buffers` behind it, which the caller keeps until it is done with them.
  /// Somebody calls `deallocate` on it.
  ///
  /// - Parameter skip: bytes of the first buffer that are not part of it.
  func cut(_ buffers: [ByteBuffer], skip: Int) -> Run {
    var run = Run()
    run.segments.reserveCapacity(2 * buffers.count + 1)
    for (index, buffer) in buffers.enumerated() {
      // The pointer outlives this closure, as the caller keeps the buffer's storage where it is until all is written.
      buffer.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
        var rest = bytes[...].dropFirst(index == 0 ? skip : 0)
        if carried > 0 {
          carry(&rest)
          guard carried == Self.blockSize else { return }
          run.append(carry, copying: true)
          carried = 0
        }
        let whole = UnsafeRawBufferPointer(rebasing: rest.prefix(rest.count & ~(Self.blockSize - 1)))
        if !whole.isEmpty {
          run.append(whole, copying: Int(bitPattern: whole.baseAddress) & (Self.memoryAlignment - 1) != 0)
        }
        rest = rest.dropFirst(whole.count)
        carry(&rest)
      }
    }
    return run
  }

  private func carry(_ rest: inout Slice<UnsafeRawBufferPointer>) {
    let count = min(Self.blockSize - carried, rest.count)
    guard count > 0 else { return }
    let block = self.block ?? .allocate(byteCount: Self.blockSize, alignment: Self.blockSize)
    self.block = block
    UnsafeMutableRawBufferPointer(start: block + carried, count: count)
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
    carried += count
    rest = rest.dropFirst(count)
  }
}

internal import CZlib

/// Makes one gzip member of a file of many, without compressing anything again; or the contents of all of them.
///
/// Many readers stop after the first member without an error (docs/gzip.md). Deflate streams can be joined, as a stream is a
/// row of blocks (RFC 1951, section 3.2.3): the last block of each member loses the bit that calls it the last, and an empty
/// stored block brings what follows to the border of a byte. Where blocks begin only inflating tells.
///
/// Takes any gzip file, in pieces of any size, and does no I/O. Every member is held against its checksum and its size.
package final class MemberJoiner {
  /// What comes out.
  package enum Form: Sendable {
    /// One gzip member.
    case member
    /// What was compressed.
    case contents
  }

  /// Where the input is no gzip file, or a damaged one.
  package struct Fault: Error, Hashable, Sendable {
    /// Of the byte at which it shows, from the beginning of the input.
    package var offset: Int64
    /// What is wrong, for a person.
    package var reason: String
  }

  private enum Phase {
    case header
    case blocks
    /// In a member's checksum and size, of which these bytes have come.
    case trailer([UInt8])
    /// Behind a member: another follows, or zeros, as on tapes.
    case between
  }

  private let form: Form
  // On the heap, as zlib keeps its address.
  private let stream: UnsafeMutablePointer<z_stream>
  private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 << 10, alignment: 64)
  private var phase = Phase.header
  /// What has come of a header.
  private var header: [UInt8] = []
  private var offset: Int64 = 0
  private var sawPadding = false
  private var members = 0
  private var checksum = GzipChecksum()
  private var size: UInt64 = 0
  private var wholeChecksum: UInt = 0
  private var wholeSize: UInt64 = 0
  /// What is to come out. Its last byte waits, since a block may turn out to begin in it.
  private var output: [UInt8] = []
  /// The block that is read is its member's last.
  private var isLastBlock = false
  /// The last byte that zlib has taken.
  private var lastTaken: UInt8 = 0
  /// A block begins with the next byte.
  private var beginsBlock = false

  /// Nothing has come yet.
  package init(_ form: Form) {
    self.form = form
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // Deflate, no name, no time, system unknown.
    if form == .member { output = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255] }
  }

  deinit {
    // What was never begun has no state, and zlib says so and does nothing.
    inflateEnd(stream)
    stream.deallocate()
    scratch.deallocate()
  }

  /// Takes the next bytes of the input.
  ///
  /// - Parameter emit: is handed what comes out, any number of times.
  /// - Throws: ``Fault``, or what `emit` throws.
  package func take(_ bytes: UnsafeRawBufferPointer, emit: (UnsafeRawBufferPointer) throws -> Void) throws {
    var rest = bytes[...]
    while let first = rest.first {
      switch phase {
      case .header:
        header.append(first)
        advance(&rest, by: 1)
        switch GzipHeader.measure(header) {
        case .incomplete: break
        case .complete: try beginBlocks()
        case .invalid: throw Fault(offset: offset - 1, reason: "this is no header of a gzip member")
        }
      case .blocks:
        try inflate(&rest, emit: emit)
      case .trailer(var end):
        end.append(first)
        advance(&rest, by: 1)
        phase = .trailer(end)
        if end.count == MemberHeader.trailerSize { try endMember(end) }
      case .between where first == 0:
        sawPadding = true
        advance(&rest, by: 1)
      case .between:
        guard !sawPadding else { throw Fault(offset: offset, reason: "something stands behind the end") }
        header.removeAll(keepingCapacity: true)
        phase = .header
      }
    }
    if output.count > scratch.count { try flush(keeping: 1, emit: emit) }
  }

  /// The input is over.
  ///
  /// - Throws: ``Fault`` where it ends within a member, or what `emit` throws.
  package func finish(emit: (UnsafeRawBufferPointer) throws -> Void) throws {
    guard case .between = phase else {
      let reason = members == 0 && offset == 0 ? "there is nothing in it" : "it ends in the middle of a member"
      throw Fault(offset: offset, reason: reason)
    }
    guard form == .member else { return }
    // An empty last block.
    output += [0x03, 0x00]
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: wholeChecksum).littleEndian) { output += $0 }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: wholeSize).littleEndian) { output += $0 }
    try flush(keeping: 0, emit: emit)
  }

  private func advance(_ rest: inout Slice<UnsafeRawBufferPointer>, by count: Int) {
    rest = rest.dropFirst(count)
    offset += Int64(count)
  }

  private func flush(keeping kept: Int, emit: (UnsafeRawBufferPointer) throws -> Void) throws {
    try output.withUnsafeBytes { try emit(UnsafeRawBufferPointer(rebasing: $0.dropLast(kept))) }
    output.removeFirst(max(0, output.count - kept))
  }

  // MARK: One member

  private func beginBlocks() throws(Fault) {
    let code = members == 0 ? sluice_inflate_init_bare(stream) : inflateReset(stream)
    guard code == Z_OK else { throw Fault(offset: offset, reason: "zlib has no memory") }
    members += 1
    checksum = GzipChecksum()
    size = 0
    isLastBlock = false
    beginsBlock = true
    phase = .blocks
  }

  /// Reads on, up to the end of a block at most.
  private func inflate(
    _ rest: inout Slice<UnsafeRawBufferPointer>, emit: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let input = UnsafeRawBufferPointer(rebasing: rest)
    if beginsBlock, let first = input.first { isLastBlock = first & 1 == 1 }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: Bytef.self).baseAddress)
    stream.pointee.avail_in = uInt(input.count)
    stream.pointee.next_out = scratch.bindMemory(to: Bytef.self).baseAddress
    stream.pointee.avail_out = uInt(scratch.count)
    let code = CZlib.inflate(stream, Z_BLOCK)
    // Where it wants more input or more space, it says so in this way.
    guard code == Z_OK || code == Z_BUF_ERROR || code == Z_STREAM_END else {
      throw Fault(offset: offset, reason: "the member that is read here is damaged")
    }
    let made = UnsafeRawBufferPointer(rebasing: scratch[..<(scratch.count - Int(stream.pointee.avail_out))])
    checksum.add(made)
    size += UInt64(made.count)
    let taken = input.count - Int(stream.pointee.avail_in)
    switch form {
    case .contents: try emit(made)
    case .member:
      output += input[..<taken]
      if beginsBlock, taken > 0 { output[output.count - taken] &= ~1 }
    }
    if taken > 0 {
      beginsBlock = false
      lastTaken = input[taken - 1]
    }
    advance(&rest, by: taken)
    // Bit 7 of `data_type`: a block has ended, and this many bits of the last byte are not its own (zlib.h, inflate).
    guard code == Z_STREAM_END || stream.pointee.data_type & 128 != 0 else { return }
    endBlock(unusedBits: Int(stream.pointee.data_type & 7))
  }

  private func endBlock(unusedBits: Int) {
    if isLastBlock {
      if form == .member { align(unusedBits: unusedBits) }
      phase = .trailer([])
    } else if unusedBits == 0 {
      beginsBlock = true
    } else {
      let bit = UInt8(1) << (8 - UInt8(unusedBits))
      isLastBlock = lastTaken & bit != 0
      // The byte is still there: the last never leaves before the next has come.
      if form == .member { output[output.count - 1] &= ~bit }
    }
  }

  /// Adds an empty stored block: three bits 0, the rest of their byte, and its size of 0 (RFC 1951, section 3.2.4).
  private func align(unusedBits: Int) {
    if unusedBits > 0, let last = output.last { output[output.count - 1] = last & (0xFF >> UInt8(unusedBits)) }
    if unusedBits < 3 { output.append(0) }
    output += [0x00, 0x00, 0xFF, 0xFF]
  }

  private func endMember(_ end: [UInt8]) throws(Fault) {
    func number(at index: Int) -> UInt32 { end[index..<index + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
    guard number(at: 0) == checksum.value, number(at: 4) == UInt32(truncatingIfNeeded: size) else {
      throw Fault(offset: offset, reason: "the member that ends here is damaged: its checksum or its size is another")
    }
    wholeChecksum = crc32_combine(wholeChecksum, UInt(checksum.value), Int(size))
    wholeSize += size
    phase = .between
  }
}

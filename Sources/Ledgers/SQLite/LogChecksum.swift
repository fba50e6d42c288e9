/// The running checksum of a write-ahead log (sqlite.org/walformat.html, "Checksum Algorithm").
struct LogChecksum: Equatable {
  private(set) var first: UInt32 = 0
  private(set) var second: UInt32 = 0
  /// Which way round the words are that it adds up: the log's header says so.
  private let isBigEndian: Bool

  init(isBigEndian: Bool) {
    self.isBigEndian = isBigEndian
  }

  /// - Parameter bytes: a multiple of 8.
  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    for offset in stride(from: 0, to: bytes.count, by: 8) {
      first &+= word(bytes, offset) &+ second
      second &+= word(bytes, offset + 4) &+ first
    }
  }

  /// Whether it is what stands at the head of `bytes`, there always with the high byte first.
  func isStored(in bytes: UnsafeRawBufferPointer.SubSequence) -> Bool {
    let stored = UnsafeRawBufferPointer(rebasing: bytes)
    return stored.loadUnaligned(as: UInt32.self).bigEndian == first
      && stored.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian == second
  }

  private func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt32 {
    let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
    return isBigEndian ? word.bigEndian : word.littleEndian
  }
}

internal import Glibc
internal import NIOCore

/// Whether compressing pays, judged by a sample and not by trying: trying costs most where nothing comes of it.
///
/// A sample shrinks by deflate for two reasons: some bytes come more often than others, or sequences of bytes come again.
/// Both are counted, in a few microseconds.
enum Redundancy {
  /// As much is looked at, at most; in bytes.
  static let sampleSize = 8 << 10
  /// Less than this tells nothing; in bytes.
  static let sampleLeast = 1 << 10
  /// What has to be gained: two in a hundred.
  private static let gain = 0.02
  /// Every so many bytes it is asked whether a sequence came before. A repeat of 7 bytes is never missed.
  private static let stride = 4

  /// Whether bytes that begin with these shrink; `nil` for too few of them.
  static func pays(in buffers: [ByteBuffer]) -> Bool? {
    guard var sample = buffers.first else { return nil }
    for buffer in buffers.dropFirst() where sample.readableBytes < sampleSize {
      sample.writeBytes(buffer.readableBytesView.prefix(sampleSize - sample.readableBytes))
    }
    return sample.withUnsafeReadableBytes { pays(in: $0) }
  }

  /// The same of bytes that lie together.
  static func pays(in sample: UnsafeRawBufferPointer) -> Bool? {
    guard sample.count >= sampleLeast else { return nil }
    let sample = UnsafeRawBufferPointer(rebasing: sample.prefix(sampleSize))
    return hasUnequalBytes(sample) || hasRepeats(sample)
  }

  /// By the entropy of single bytes, which is what Huffman codes come near to.
  private static func hasUnequalBytes(_ sample: UnsafeRawBufferPointer) -> Bool {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 256) { counts in
      counts.initialize(repeating: 0)
      for byte in sample { counts[Int(byte)] += 1 }
      let total = Double(sample.count)
      var bits = 0.0
      for count in counts where count > 0 { bits += Double(count) * log2(total / Double(count)) }
      // Even bytes that are spread evenly lack something of 8 bits each by chance: on average (256 - 1) / 2 nats in all.
      bits += 127.5 * M_LOG2E
      return bits < total * 8 * (1 - gain)
    }
  }

  /// By 4 bytes that stood in the sample before.
  private static func hasRepeats(_ sample: UnsafeRawBufferPointer) -> Bool {
    let tableBits: UInt32 = 12
    return withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 1 << tableBits) { table in
      table.initialize(repeating: 0)
      var found = 0
      let last = sample.count - 4
      for place in 0...last {
        let word = sample.loadUnaligned(fromByteOffset: place, as: UInt32.self)
        let slot = Int((word &* 2_654_435_761) >> (32 - tableBits))
        if place % stride == 0 {
          let before = Int(table[slot])
          // A slot that is empty says 0, where the first sequence is; comparing with itself is no repeat.
          if before < place, sample.loadUnaligned(fromByteOffset: before, as: UInt32.self) == word { found += 1 }
        }
        table[slot] = UInt16(truncatingIfNeeded: place)
      }
      return Double(found * stride) > Double(sample.count) * gain
    }
  }
}

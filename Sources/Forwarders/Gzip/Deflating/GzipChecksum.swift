#if ISAL
  internal import CISAL
#else
  internal import CZlib
#endif

/// CRC-32 as gzip has it (RFC 1952, section 8).
struct GzipChecksum {
  private(set) var value: UInt32 = 0

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.bindMemory(to: UInt8.self).baseAddress else { return }
    #if ISAL
      value = sluice_isal_crc32(value, start, bytes.count)
    #else
      value = UInt32(truncatingIfNeeded: crc32_z(UInt(value), start, bytes.count))
    #endif
  }
}

internal import CZlib

/// CRC-32 as gzip has it (RFC 1952, section 8).
struct GzipChecksum {
  private(set) var value: UInt32 = 0

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    guard !bytes.isEmpty else { return }
    value = UInt32(truncatingIfNeeded: crc32_z(UInt(value), bytes.bindMemory(to: Bytef.self).baseAddress, bytes.count))
  }
}

internal import COpenSSL

/// An incremental hash over one request's bytes, by an algorithm of the client's choice. For integrity of a transfer, not
/// against somebody who forges: some of these algorithms are broken for that.
package final class ChunkHasher {
  /// The algorithms.
  package enum Algorithm: Sendable {
    case sha1, sha256, sha512, md5
    /// As zlib and Ethernet have it (reflected polynomial 0xEDB88320).
    case crc32
  }

  /// `nil` for CRC-32, which OpenSSL does not have.
  private let state: OpaquePointer?
  private var crc: UInt32 = 0xFFFF_FFFF

  /// An empty hash.
  package init(_ algorithm: Algorithm) {
    let kind: OpaquePointer?
    switch algorithm {
    case .sha1: kind = EVP_sha1()
    case .sha256: kind = EVP_sha256()
    case .sha512: kind = EVP_sha512()
    case .md5: kind = EVP_md5()
    case .crc32:
      state = nil
      return
    }
    guard let state = EVP_MD_CTX_new(), EVP_DigestInit_ex(state, kind, nil) == 1 else {
      preconditionFailure("OpenSSL has no memory or not this hash: its providers are not installed or are disabled")
    }
    self.state = state
  }

  deinit { EVP_MD_CTX_free(state) }

  /// Takes the next bytes.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    guard let state else {
      for byte in bytes { crc = Self.table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] ^ (crc >> 8) }
      return
    }
    guard EVP_DigestUpdate(state, bytes.baseAddress, bytes.count) == 1 else {
      preconditionFailure("OpenSSL failed to hash bytes in memory")
    }
  }

  /// The hash of all bytes; CRC-32 as four bytes, the highest first. Once, and nothing after it.
  package func finish() -> [UInt8] {
    guard let state else {
      return withUnsafeBytes(of: (crc ^ 0xFFFF_FFFF).bigEndian, Array.init)
    }
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    guard EVP_DigestFinal_ex(state, &digest, &count) == 1 else { preconditionFailure("OpenSSL failed to end a hash") }
    return Array(digest.prefix(Int(count)))
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
  }
}

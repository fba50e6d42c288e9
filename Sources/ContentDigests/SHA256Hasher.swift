internal import COpenSSL
package import NIOCore

/// An incremental SHA-256 (FIPS 180-4) over OpenSSL's EVP interface.
///
/// A reference type confined to whoever owns it: it may move to another thread, but two threads may not use it at
/// once.
package final class SHA256Hasher {
  /// The size of a digest in bytes.
  package static let digestByteCount = 32

  private let state: OpaquePointer
  private var digest: [UInt8]?

  /// An empty hash.
  package init() {
    guard let state = EVP_MD_CTX_new(), EVP_DigestInit_ex(state, EVP_sha256(), nil) == 1 else {
      preconditionFailure("OpenSSL has no memory or no SHA-256: its providers are not installed or are disabled")
    }
    self.state = state
  }

  private init(copying other: OpaquePointer) {
    guard let state = EVP_MD_CTX_new(), EVP_MD_CTX_copy_ex(state, other) == 1 else {
      preconditionFailure("OpenSSL has no memory for a SHA-256")
    }
    self.state = state
  }

  deinit {
    EVP_MD_CTX_free(state)
  }

  /// Adds bytes. They are read before this returns.
  ///
  /// - Precondition: ``finish()`` was not called.
  package func update(_ bytes: UnsafeRawBufferPointer) {
    precondition(digest == nil, "a finished SHA-256 takes no more bytes")
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    guard EVP_DigestUpdate(state, start, bytes.count) == 1 else {
      preconditionFailure("OpenSSL could not go on with a SHA-256")
    }
  }

  /// Adds the readable bytes of a buffer.
  ///
  /// - Precondition: ``finish()`` was not called.
  package func update(_ buffer: ByteBuffer) {
    buffer.withUnsafeReadableBytes { update($0) }
  }

  /// A hash of the same bytes, which goes its own way from here.
  ///
  /// - Precondition: ``finish()`` was not called.
  package func copy() -> SHA256Hasher {
    precondition(digest == nil, "a finished SHA-256 takes no more bytes")
    return SHA256Hasher(copying: state)
  }

  /// Ends the hash. Called again, it answers the same.
  ///
  /// - Returns: the digest, 32 bytes.
  package func finish() -> [UInt8] {
    if let digest { return digest }
    var result = [UInt8](repeating: 0, count: Self.digestByteCount)
    guard EVP_DigestFinal_ex(state, &result, nil) == 1 else {
      preconditionFailure("OpenSSL could not finish a SHA-256")
    }
    digest = result
    return result
  }
}

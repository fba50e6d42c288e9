#if IPSecMB
  internal import CIPSecMB
  internal import COpenSSL

  /// Opens records of AES-GCM with the wide vector instructions of newer x86 processors (VAES), by Intel's Multi-Buffer
  /// Crypto library: four to five times as fast as OpenSSL 3.0, which has none of them.
  ///
  /// Keys come from OpenSSL's key schedule as before, and tags are compared here, in constant time.
  final class VectorCipher {
    private static let tagSize = 16

    private let manager: UnsafeMutablePointer<IMB_MGR>
    private let key: UnsafeMutableRawPointer
    private let keySize: Int

    /// - Parameter key: 16 or 32 bytes.
    /// - Returns: `nil` where the processor is an older one.
    init?(key: UnsafeRawBufferPointer) {
      guard let manager = Self.manager, key.count == 16 || key.count == 32 else { return nil }
      self.manager = manager
      keySize = key.count
      self.key = .allocate(byteCount: shim_mb_key_size(), alignment: shim_mb_key_alignment())
      shim_mb_expand_key(manager, key.baseAddress, CInt(keySize), self.key)
    }

    deinit {
      OPENSSL_cleanse(key, shim_mb_key_size())
      key.deallocate()
    }

    /// Decrypts `count` bytes and compares the tag that follows them.
    ///
    /// - Returns: whether the tag is right; else `target` has bytes that nobody may use.
    func open(
      nonce: UnsafePointer<UInt8>, header: UnsafePointer<UInt8>, headerSize: Int, body: UnsafePointer<UInt8>,
      count: Int,
      target: UnsafeMutablePointer<UInt8>
    ) -> Bool {
      withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.tagSize) { tag in
        guard let computed = tag.baseAddress else { return false }
        // A tag that cannot match, in case the library ever leaves this memory untouched.
        for index in 0..<Self.tagSize { computed[index] = ~body[count + index] }
        shim_mb_open(manager, CInt(keySize), key, nonce, header, headerSize, body, count, target, computed)
        let isRight = CRYPTO_memcmp(computed, body + count, Self.tagSize) == 0
        // A forger who could read it would have the right tag.
        OPENSSL_cleanse(computed, Self.tagSize)
        return isRight
      }
    }

    /// Whether this processor has the instructions.
    static var isAvailable: Bool { manager != nil }

    // Made once and only read after that: these calls use its table of functions, and none of its queues.
    private nonisolated(unsafe) static let manager = shim_mb_make_manager()
  }
#endif

internal import COpenSSL
internal import TextForms

/// The secret that one direction's keys of TLS 1.3 come from (RFC 8446, section 7.2). Wiped when it goes.
final class TrafficSecret {
  private static let label = "CLIENT_TRAFFIC_SECRET_0"
  /// SHA-384's, the largest of any cipher suite.
  private static let largestSize = 48

  private let bytes: UnsafeMutableRawBufferPointer

  private init(size: Int) {
    bytes = .allocate(byteCount: size, alignment: 1)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  /// A secret that is known, such as a test's.
  ///
  /// - Parameter known: at most 48 bytes.
  convenience init(_ known: [UInt8]) {
    precondition(known.count <= Self.largestSize, "no hash of TLS 1.3 is so long")
    self.init(size: known.count)
    bytes.copyBytes(from: known)
  }

  /// The client's application secret out of a line of the key log format, the only form in which OpenSSL hands it out:
  /// label, client random and secret, the latter two in hexadecimal. `nil` for every other line.
  convenience init?(keyLogLine line: UnsafePointer<CChar>) {
    var rest = UnsafeBufferPointer(start: line, count: strlen(line))[...]
    guard rest.starts(with: Self.label.utf8.lazy.map(CChar.init)) else { return nil }
    guard let space = rest.lastIndex(of: 0x20) else { return nil }
    rest = rest[(space + 1)...]
    guard rest.count.isMultiple(of: 2), (1...Self.largestSize).contains(rest.count / 2) else { return nil }
    self.init(size: rest.count / 2)
    for index in 0..<bytes.count {
      let place = rest.startIndex + 2 * index
      guard let high = Self.value(rest[place]), let low = Self.value(rest[place + 1]) else { return nil }
      bytes[index] = high << 4 | low
    }
  }

  deinit {
    OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    bytes.deallocate()
  }

  /// The key and the static part of the nonces (RFC 8446, section 7.3), in buffers of their sizes.
  ///
  /// - Returns: whether OpenSSL could.
  func deriveKey(
    _ key: UnsafeMutableRawBufferPointer, nonce: UnsafeMutableRawBufferPointer, digest: OpaquePointer
  ) -> Bool {
    expand("key", into: key, digest: digest) && expand("iv", into: nonce, digest: digest)
  }

  /// The secret after a key update. `nil` where OpenSSL could not.
  func next(digest: OpaquePointer) -> TrafficSecret? {
    let next = TrafficSecret(size: bytes.count)
    return expand("traffic upd", into: next.bytes, digest: digest) ? next : nil
  }

  /// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1), for outputs no longer than the hash: so it is the
  /// first block of HKDF-Expand (RFC 5869, section 2.3), one HMAC.
  private func expand(
    _ label: StaticString, into output: UnsafeMutableRawBufferPointer, digest: OpaquePointer
  ) -> Bool {
    let prefix: StaticString = "tls13 "
    let labelSize = prefix.utf8CodeUnitCount + label.utf8CodeUnitCount
    return withUnsafeTemporaryAllocation(byteCount: labelSize + 5 + Int(EVP_MAX_MD_SIZE), alignment: 1) { scratch in
      let block = UnsafeMutableRawBufferPointer(rebasing: scratch[(labelSize + 5)...])
      scratch[0] = UInt8(truncatingIfNeeded: output.count >> 8)
      scratch[1] = UInt8(truncatingIfNeeded: output.count)
      scratch[2] = UInt8(labelSize)
      var place = 3
      for part in [prefix, label] {
        part.withUTF8Buffer { text in
          UnsafeMutableRawBufferPointer(rebasing: scratch[place..<(place + text.count)])
            .copyBytes(from: text)
          place += text.count
        }
      }
      // The context's length, and HKDF's count of blocks.
      scratch[place] = 0
      scratch[place + 1] = 1
      var blockSize: CUnsignedInt = 0
      let isMade =
        HMAC(
          digest, bytes.baseAddress, CInt(bytes.count), scratch.baseAddress, place + 2, block.baseAddress, &blockSize)
        != nil
      guard isMade, Int(blockSize) >= output.count else { return false }
      output.copyMemory(from: UnsafeRawBufferPointer(rebasing: block[..<output.count]))
      OPENSSL_cleanse(block.baseAddress, block.count)
      return true
    }
  }

  private static func value(_ digit: CChar) -> UInt8? { Hexadecimal.value(UInt8(bitPattern: digit)) }
}

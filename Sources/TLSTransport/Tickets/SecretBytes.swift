internal import COpenSSL

/// Bytes that nobody else may see, at one place in memory, and wiped when they go.
///
/// `@unchecked`: they are written once, before anybody else has them.
final class SecretBytes: @unchecked Sendable {
  private let bytes: UnsafeMutableRawBufferPointer

  /// - Parameter fill: writes all of them.
  init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
    bytes = .allocate(byteCount: count, alignment: 1)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    fill(bytes)
  }

  convenience init(_ known: some Collection<UInt8>) {
    self.init(count: known.count) { $0.copyBytes(from: known) }
  }

  deinit {
    OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    bytes.deallocate()
  }

  /// Lends them; nobody may keep them.
  func withBytes<Value>(_ body: (UnsafePointer<UInt8>) -> Value) -> Value {
    let typed = bytes.bindMemory(to: UInt8.self)
    guard let start = typed.baseAddress else { preconditionFailure("a secret of no bytes") }
    return body(UnsafePointer(start))
  }
}

extension SecretBytes: Equatable {
  /// In a time that does not depend on where they differ.
  static func == (one: SecretBytes, other: SecretBytes) -> Bool {
    one.bytes.count == other.bytes.count
      && CRYPTO_memcmp(one.bytes.baseAddress, other.bytes.baseAddress, one.bytes.count) == 0
  }
}

/// Overwrites what was a secret, in the array's own memory where nobody else has it.
func wipe(_ bytes: inout [UInt8]) {
  bytes.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
}

extension SHA256Hasher {
  /// HMAC with SHA-256 (RFC 2104).
  package static func authenticationCode(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    let blockSize = 64
    let key = (key.count > blockSize ? digest([key]) : key) + [UInt8](repeating: 0, count: blockSize)
    let block = key.prefix(blockSize)
    let inner = digest([block.map { $0 ^ 0x36 }, message])
    return digest([block.map { $0 ^ 0x5c }, inner])
  }

  private static func digest(_ parts: [[UInt8]]) -> [UInt8] {
    let hasher = SHA256Hasher()
    for part in parts { part.withUnsafeBytes { hasher.update($0) } }
    return hasher.finish()
  }
}

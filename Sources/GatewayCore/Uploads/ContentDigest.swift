/// A SHA-256 over the whole of an upload.
package struct ContentDigest: Hashable, Codable, Sendable {
  /// 32 bytes.
  package let bytes: [UInt8]

  /// `nil` where there are not exactly 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    self.bytes = bytes
  }
}

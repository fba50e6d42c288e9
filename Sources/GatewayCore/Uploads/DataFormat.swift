/// What a client says its bytes are.
package enum DataFormat: String, CaseIterable, Codable, Sendable {
  /// Anything.
  case bytes
  /// UTF-8.
  case text
  /// RFC 8259.
  case json
}

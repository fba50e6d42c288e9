/// One quota and its cap.
package struct QuotaCap: Hashable, Codable, Sendable {
  /// Empty for the route itself, else ``ClientIdentity/subject``.
  package var subject: String
  /// Start of the window in milliseconds since 1970; 0 is for ever.
  package var window: Int64
  /// In bytes.
  package var cap: Int64
  /// Length of the window in milliseconds; 0 where there is none.
  package var length: Int64

  /// A quota of `cap` bytes.
  package init(subject: String, window: Int64, cap: Int64, length: Int64 = 0) {
    self.subject = subject
    self.window = window
    self.cap = cap
    self.length = length
  }
}

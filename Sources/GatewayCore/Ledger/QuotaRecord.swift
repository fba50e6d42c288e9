/// What one quota holds.
package struct QuotaRecord: Hashable, Sendable {
  /// The route's path.
  package var route: String
  /// Empty for the route itself.
  package var subject: String
  /// Start of the window in milliseconds since 1970; 0 is for ever.
  package var window: Int64
  /// Bytes that unfinished uploads may still fill or have filled.
  package var reserved: Int64
  /// Bytes of complete uploads.
  package var used: Int64
  /// In bytes, as at the last reservation; `reserved + used` never exceeds it.
  package var cap: Int64

  /// All of it.
  package init(route: String, subject: String, window: Int64, reserved: Int64, used: Int64, cap: Int64) {
    self.route = route
    self.subject = subject
    self.window = window
    self.reserved = reserved
    self.used = used
    self.cap = cap
  }
}

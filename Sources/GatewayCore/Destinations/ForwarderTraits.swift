/// What a forwarder can do. The core and the fronts decide by this, and never by which forwarder it is.
package struct ForwarderTraits: Hashable, Sendable {
  /// Whether an upload can go on after the gateway was started anew. Where it cannot, safe offsets matter to nobody but
  /// the client that asked for acknowledgements.
  package var survivesRestart: Bool
  /// Whether a complete upload is kept as a file or an object, which counts against what the route may hold.
  package var holdsFiles: Bool
  /// Whether bytes beyond the recorded offset can be cut off when a connection goes on.
  package var truncates: Bool
  /// How fine-grained safety is, in bytes: a checkpoint in the middle of an upload makes whole multiples of this safe, and
  /// no more. 1 where every byte can be made safe.
  package var granularity: Int64
  /// Whether an upload can be made of others: its sinks are ``CopyingSink``s.
  package var assembles: Bool

  /// All of it.
  package init(
    survivesRestart: Bool, holdsFiles: Bool, truncates: Bool, granularity: Int64 = 1, assembles: Bool = false
  ) {
    self.survivesRestart = survivesRestart
    self.holdsFiles = holdsFiles
    self.truncates = truncates
    self.granularity = granularity
    self.assembles = assembles
  }
}

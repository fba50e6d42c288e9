package import NIOCore

/// How long a front waits for its client.
package struct FrontTimeouts: Hashable, Sendable {
  /// From the first byte of a packet's head to its last.
  package var head: TimeAmount
  /// Between two exchanges, and for the first packet.
  package var idle: TimeAmount
  /// Without a byte in the middle of a body, or without the client reading what it is told.
  package var silence: TimeAmount
  /// The slowest that a body may come; `nil` for however slowly.
  package var progress: MinimumProgress?
  /// The most time that a client may take for one body over one connection; `nil` for any.
  package var upload: TimeAmount?

  /// All of it.
  package init(
    head: TimeAmount, idle: TimeAmount, silence: TimeAmount, progress: MinimumProgress? = nil,
    upload: TimeAmount? = nil
  ) {
    self.head = head
    self.idle = idle
    self.silence = silence
    self.progress = progress
    self.upload = upload
  }
}

/// The slowest that a body may come: so many bytes in so long a time.
package struct MinimumProgress: Hashable, Sendable {
  /// At least 1.
  package var bytes: Int64
  /// Above zero.
  package var every: TimeAmount

  /// `bytes` in each `every`.
  package init(bytes: Int64, every: TimeAmount) {
    precondition(bytes > 0 && every > .zero, "no progress at all")
    self.bytes = bytes
    self.every = every
  }
}

package import NIOCore

/// How long a front waits for its client.
package struct FrontTimeouts: Hashable, Sendable {
  /// From the first byte of a packet's head to its last.
  package var head: TimeAmount
  /// Between two exchanges, and for the first packet.
  package var idle: TimeAmount
  /// Without a byte in the middle of a body, or without the client reading what it is told.
  package var silence: TimeAmount

  /// All of it.
  package init(head: TimeAmount, idle: TimeAmount, silence: TimeAmount) {
    self.head = head
    self.idle = idle
    self.silence = silence
  }
}

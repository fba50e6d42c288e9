public import NIOCore

/// Writes heads as a sender does: LF and four spaces (protocol.md section 2).
public enum PacketWriter {
  /// Writes a head. The body, if any, is the caller's to write after it.
  ///
  /// No value breaks out of its line, wherever it came from: a control character is written as a space, and a
  /// header whose value is then empty is left out. A client's request is checked strictly before it comes here
  /// (``ClientRequest/head()``); this is for texts such as a reason with an operating system's words in it.
  public static func write(_ head: PacketHead, into buffer: inout ByteBuffer) {
    buffer.writeStaticString("headers:\n")
    for header in head.headers {
      let value = isPlain(header.value) ? header.value : Controls.line(header.value)
      guard !value.isEmpty else { continue }
      buffer.writeStaticString("    ")
      buffer.writeString(header.name.text)
      buffer.writeStaticString(": ")
      buffer.writeString(value)
      buffer.writeStaticString("\n")
    }
    switch head.payload {
    case .none:
      buffer.writeStaticString("payload: -\n")
    case .bytes(let size):
      buffer.writeString("payload: \(size)\n")
    }
  }

  /// Writes a server's message; a final's body is the caller's to write after it.
  public static func write(_ message: ServerMessage, into buffer: inout ByteBuffer) {
    write(message.head, into: &buffer)
  }

  private static func isPlain(_ value: String) -> Bool {
    let space = UInt8(ascii: " ")
    return !Controls.isIn(value) && value.utf8.first != space && value.utf8.last != space
  }
}

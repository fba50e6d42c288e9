/// How a server broke the protocol. The client closes the connection; what it has is what the last progress said.
public enum ServerViolation: Error, Hashable, Sendable {
  /// The head is no message of a server.
  case message(MessageError)
  /// The message has no place here.
  case unexpected(String)
  /// The key is not the one that this stream has, or there is none.
  case key
  /// The offer is for another format than the one that was asked for.
  case format(StreamFormat)
  /// A resumed stream was offered without its offset.
  case offsetMissing
  /// Bytes that were safe are not any more.
  case offsetWentBack(from: Int64, to: Int64)
  /// More bytes are safe than were sent, or than the stream has.
  case offsetBeyond(Int64, sent: Int64)
  /// LEFT does not fit what was sent and offered.
  case left(Total)
  /// The final does not have the digest that the client gave.
  case digest

  /// One line for a person.
  public var reason: String {
    switch self {
    case .message(let error): error.reason
    case .unexpected(let what): "the server sent \(what), which has no place here"
    case .key: "the server's x-stream-key is missing or not this stream's"
    case .format(let format): "the server offered data-format \(format), which was not asked for"
    case .offsetMissing: "the server's offer for a resumed stream has no x-stream-offset"
    case .offsetWentBack(let from, let to): "the server's x-stream-offset went back from \(from) to \(to)"
    case .offsetBeyond(let offset, let sent): "the server's x-stream-offset is \(offset), but only \(sent) can be there"
    case .left(let left): "the server says that \(left) bytes are left, which cannot be"
    case .digest: "the server's x-stream-digest is missing or not the one that was sent"
    }
  }
}

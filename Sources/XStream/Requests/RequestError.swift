/// Why a head that is a packet is still no request (status 1), or why a request cannot be sent.
public enum RequestError: Error, Hashable, Sendable {
  /// A header that this request needs is not there.
  case missing(HeaderName)
  /// A header's value is not what protocol.md says; the text tells what it should be.
  case invalid(HeaderName, expected: String)
  /// Neither `x-stream` nor a payload.
  case nothingAsked
  /// An `x-stream` packet with a body.
  case openWithPayload
  /// BUFFER is 0 or `x-stream` is `-1`, and no key says which stream is meant.
  case keyNeeded
  /// A key in a packet without `x-stream`.
  case keyWithoutStream
  /// Only when sending: the head would be refused by its receiver.
  case unsendable(PacketError)

  /// The wire status, always 1.
  public var status: Status { .malformed }

  /// One line for a person that names the header.
  public var reason: String {
    switch self {
    case .missing(let header): "\(header) is missing"
    case .invalid(let header, let expected): "\(header) has to be \(expected)"
    case .nothingAsked: "x-stream is missing, and without it a payload is needed"
    case .openWithPayload: "payload has to be \"-\" or 0 in a packet with x-stream"
    case .keyNeeded: "x-stream-key is missing: a buffer of 0, or -1, speaks of an earlier stream"
    case .keyWithoutStream: "x-stream-key needs x-stream"
    case .unsendable(let error): error.reason
    }
  }
}

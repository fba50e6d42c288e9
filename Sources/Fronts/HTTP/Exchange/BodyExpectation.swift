import TLSTransport

/// Knows how many bytes of a request's body may still come, and where in its upload the next one goes.
struct BodyExpectation {
  /// `Content-Length`, in bytes; `nil` where there is none.
  private let length: Int64?
  private var arrived: Int64 = 0
  /// Where the body's first byte goes, once it is offered and until it is told.
  private var untold: Int64?

  init(length: Int64?) { self.length = length }

  /// Bytes of the body came, taken or not.
  mutating func received(_ count: Int) { arrived += Int64(count) }

  /// - Parameter offset: of the body's first byte, in bytes from the upload's start.
  mutating func offered(at offset: Int64) { untold = offset }

  /// To be asked between two reads: within one nobody knows how many of its bytes are still on their way up.
  ///
  /// - Returns: once for an offer, and only where more bytes come.
  mutating func tell() -> ExpectedPlaintext? {
    guard let start = untold else { return nil }
    untold = nil
    guard let length, length > arrived else { return nil }
    return ExpectedPlaintext(count: length - arrived, from: start + arrived)
  }
}

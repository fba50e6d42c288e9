/// One kind of upload in the mix.
package struct UploadKind: Hashable, Sendable {
  /// How large one is, in bytes.
  package enum Size: Hashable, Sendable {
    /// All alike.
    case fixed(Int64)
    /// Any size of the range is as likely as any other.
    case range(ClosedRange<Int64>)
    /// Many small and a few large ones: the logarithm is normally distributed around the median's with a deviation of
    /// `sigma`, and nothing is larger than `most`.
    case logNormal(median: Int64, sigma: Double, most: Int64)
    /// The regular files of a folder, by its absolute path, each as likely as any other.
    case folder(String)
  }

  /// What the bytes are.
  package enum Format: String, Hashable, Sendable, CaseIterable {
    /// Pseudo-random, which nothing can compress.
    case bytes
    /// Words of ASCII.
    case text
    /// One JSON string.
    case json
  }

  /// How often it is chosen, beside the others' weights; above 0.
  package var weight = 1.0
  /// What it speaks.
  package var uploadProtocol = UploadProtocol.xStream
  /// Which HTTP, where it speaks that.
  package var http = HTTPVersion.one
  /// How large one is.
  package var size = Size.fixed(64 << 10)
  /// Where to; nil for the target's own route.
  package var route: String?
  /// What the bytes are.
  package var format = Format.bytes
  /// The portion size that is asked for, in bytes, at least 1.
  package var buffer: Int64 = 64 << 10
  /// A progress packet is asked for each time so many more bytes are safe; over HTTP each request brings no more than
  /// that. Nil for none, and all in one request.
  package var acknowledge: Int64?
  /// Whether the server is to compare SHA-256.
  package var digest = false
  /// Whether the bytes go in one packet with the head, instead of a stream.
  package var payload = false
  /// Whether the total is not announced; over x-stream the end is `close_notify`, so the connection carries one upload.
  package var unknownTotal = false

  /// 64 KiB of bytes in a stream.
  package init() {}
}

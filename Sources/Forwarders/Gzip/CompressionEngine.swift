internal import NIOCore

/// What squeezes a member's bytes. Another library is another case.
enum CompressionEngine: Hashable, Sendable {
  /// zlib, level 1 (fast) to 9 (small).
  case zlib(level: Int)

  /// A stream of its own, to be used for one member after another.
  func makeDeflater() throws(CompressionFault) -> any Deflater {
    switch self {
    case .zlib(let level): try ZlibDeflater(level: level)
    }
  }
}

/// Makes a bare deflate stream (RFC 1951) of one member at a time. Confined to one thread at a time.
protocol Deflater: AnyObject {
  /// Begins a new stream, whatever became of the one before.
  ///
  /// - Parameter sample: the first bytes. Where they do not shrink, the stream is of stored blocks.
  func begin(sample: UnsafeRawBufferPointer) throws(CompressionFault)

  /// Takes all of `bytes` and appends what comes of them so far to `output`.
  func add(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CompressionFault)

  /// Ends the stream.
  func end(to output: inout ByteBuffer) throws(CompressionFault)
}

/// The engine failed, which is for want of memory.
struct CompressionFault: Error {
  /// The engine's own code.
  var code: CInt
}

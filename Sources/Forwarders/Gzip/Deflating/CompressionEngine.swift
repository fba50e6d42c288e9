internal import NIOCore

/// What compresses a store's files. Another library is another case.
///
/// A file may have members of several: each is deflate (RFC 1951), and readers need not know what made it.
package enum CompressionEngine: Hashable, Sendable {
  /// zlib, level 1 (fast) to 9 (small).
  case zlib(level: Int)
  #if ISAL
    /// Intel's storage library, igzip at level 1: about as small as zlib's level 1, in a fourth of its time.
    case igzip
  #endif

  /// A stream of its own, to be used for one member after another.
  func makeDeflater() throws(CompressionFault) -> any Deflater {
    switch self {
    case .zlib(let level): try ZlibDeflater(level: level)
    #if ISAL
      case .igzip: IgzipDeflater()
    #endif
    }
  }
}

/// Makes a bare deflate stream (RFC 1951) of one member at a time, or the parts of one that are not stored as they are.
/// Confined to one thread at a time.
protocol Deflater: AnyObject {
  /// Begins anew, whatever became of what was before.
  func begin() throws(CompressionFault)

  /// Takes all of `bytes` and appends what comes of them so far to `output`.
  func add(_ bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) throws(CompressionFault)

  /// Brings out everything that was added, up to a byte's border.
  ///
  /// - Parameter endsStream: `false` where other blocks of the stream follow, which refer to nothing in these.
  func end(endsStream: Bool, to output: inout ByteBuffer) throws(CompressionFault)
}

/// The engine failed, which is for want of memory.
struct CompressionFault: Error {
  /// The engine's own code.
  var code: CInt
}

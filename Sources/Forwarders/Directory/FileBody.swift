internal import GatewayCore
internal import NIOCore

/// An open file, and what to call it.
struct OpenFile {
  var descriptor: CInt
  /// The file in words, without its secret.
  var place: String
}

/// How an upload's bytes lie in its unfinished file. Blocking, and confined to the lane of one ``PartialFile``.
///
/// Offsets count in the upload, sizes and places in the file.
protocol FileBody: AnyObject {
  /// Offset after the bytes that hold no memory of the sink any more.
  var written: Int64 { get }
  /// Offset after the bytes that a sync of the file makes safe, and that can be read back.
  var sealed: Int64 { get }
  /// Offset that ``seal()`` brings ``sealed`` up to.
  var sealable: Int64 { get }
  /// The file's size where all that was written is sealed.
  var fileSize: Int64 { get }

  /// Begins with a file at ``written``.
  ///
  /// - Returns: the size that the file is to be cut to.
  /// - Throws: where the file, which has `size` bytes, cannot go on there.
  func open(_ file: OpenFile, size: Int64) throws(SinkFailure) -> Int64

  /// Writes the next bytes. After a failure only what was sealed counts.
  func write(_ batch: [ByteBuffer]) throws(SinkFailure)

  /// Brings ``sealed`` up to ``sealable``.
  func seal() throws(SinkFailure)

  /// As ``seal()`` where everything is sealable, and ends the file: nothing more is written.
  func finish() throws(SinkFailure)

  /// Lets go of what it has opened itself; nothing follows.
  func close()

  /// Reads back some bytes from `offset` on, which is where the last reading ended, or 0, and before ``sealed``.
  func read(
    from offset: Int64, _ take: (UnsafeRawBufferPointer) throws(SinkFailure) -> Void
  ) throws(SinkFailure)
}

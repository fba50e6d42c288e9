internal import GatewayCore
internal import NIOCore

/// How an upload's bytes lie in its unfinished file. Blocking, and confined to the serial jobs of one ``PartialFile``.
///
/// Offsets count in the upload, sizes and places in the file.
protocol FileBody: AnyObject {
  /// Offset after the bytes that hold no memory of the sink any more.
  var written: Int64 { get }
  /// Offset after the bytes that a sync of the file makes safe, and that can be read back.
  var flushed: Int64 { get }
  /// Offset that ``flush()`` brings ``flushed`` up to.
  var flushable: Int64 { get }
  /// The file's size where all that was written is flushed.
  var fileSize: Int64 { get }

  /// Begins with a file at ``written``.
  ///
  /// - Returns: the size that the file is to be cut to.
  /// - Throws: where the file, which has `size` bytes, cannot go on there.
  func open(_ file: OpenFile, size: Int64) throws(SinkFailure) -> Int64

  /// Writes the next bytes. After a failure only what was flushed counts.
  func write(_ batch: [ByteBuffer]) throws(SinkFailure)

  /// Writes the next bytes of a part. After a failure only what was flushed counts.
  func copy(_ count: Int64, of part: PartReader) throws(SinkFailure)

  /// Brings ``flushed`` up to ``flushable``.
  func flush() throws(SinkFailure)

  /// As ``flush()`` where everything is flushable, and ends the file: nothing more is written.
  func finish() throws(SinkFailure)

  /// Lets go of what it has opened itself; nothing follows.
  func close()

  /// Reads back some bytes from `offset` on, which is where the last reading ended, or 0, and before ``flushed``.
  func read(
    from offset: Int64, _ take: (UnsafeRawBufferPointer) throws(SinkFailure) -> Void
  ) throws(SinkFailure)
}

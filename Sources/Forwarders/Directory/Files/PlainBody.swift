internal import GatewayCore
internal import Glibc
internal import NIOCore

/// A file of the upload's own bytes.
final class PlainBody: FileBody {
  var written: Int64 { blocks?.size ?? offset }
  var flushed: Int64 { blocks?.flushed ?? offset }
  var flushable: Int64 { written }
  var fileSize: Int64 { written }
  private let offset: Int64
  private let isDirect: Bool
  private var file = OpenFile(descriptor: -1, place: "")
  private var blocks: BlockFile?

  /// - Parameter isDirect: whether the page cache may be passed by.
  init(offset: Int64, isDirect: Bool) {
    self.offset = offset
    self.isDirect = isDirect
  }

  func open(_ file: OpenFile, size: Int64) throws(SinkFailure) -> Int64 {
    guard size >= offset else {
      throw .storage("\(file.place) is too short to go on: the ledger says \(offset) bytes, the file has \(size)")
    }
    self.file = file
    blocks = BlockFile(file, at: offset, isDirect: isDirect)
    return offset
  }

  func write(_ batch: [ByteBuffer]) throws(SinkFailure) {
    try blocks?.append(batch)
  }

  func copy(_ count: Int64, of part: PartReader) throws(SinkFailure) {
    var left = count
    if let bytes = part.plainRange(count), let blocks, try blocks.appendRange(bytes, of: part.file) {
      part.skip(count)
      left = 0
    }
    while left > 0 {
      let bytes = try part.read(atMost: left)
      try write([bytes])
      left -= Int64(bytes.readableBytes)
    }
  }

  func flush() throws(SinkFailure) {
    try blocks?.flush()
  }

  func finish() throws(SinkFailure) {
    try flush()
  }

  func close() {
    blocks?.close()
  }

  func read(
    from offset: Int64, _ take: (UnsafeRawBufferPointer) throws(SinkFailure) -> Void
  ) throws(SinkFailure) {
    let wanted = Int(min(flushed - offset, 1 << 20))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
    defer { buffer.deallocate() }
    let count = uninterrupted { pread(file.descriptor, buffer.baseAddress, wanted, Int(offset)) }
    guard count > 0 else {
      throw .system("reading back at \(offset) of", file.place, count == 0 ? EIO : errno)
    }
    try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }
}

internal import GatewayCore
internal import Glibc
internal import NIOCore

/// A file of the upload's own bytes.
final class PlainBody: FileBody {
  private(set) var written: Int64
  var sealed: Int64 { written }
  var fileSize: Int64 { written }
  private var file = OpenFile(descriptor: -1, place: "")
  private var writeBack: WriteBack

  init(offset: Int64) {
    written = offset
    writeBack = WriteBack(from: offset)
  }

  func open(_ file: OpenFile, size: Int64) throws(SinkFailure) -> Int64 {
    guard size >= written else {
      throw .storage("\(file.place) is too short to go on: the ledger says \(written) bytes, the file has \(size)")
    }
    self.file = file
    return written
  }

  func write(_ batch: [ByteBuffer]) throws(SinkFailure) {
    let count = batch.reduce(0) { $0 + Int64($1.readableBytes) }
    let code = VectoredWrite.write(batch, to: file.descriptor, at: written)
    guard code == 0 else { throw .system("writing \(count) bytes at \(written) of", file.place, code) }
    written += count
    writeBack.reached(written, of: file.descriptor)
  }

  func seal() {}

  func finish() {}

  func read(
    from offset: Int64, _ take: (UnsafeRawBufferPointer) throws(SinkFailure) -> Void
  ) throws(SinkFailure) {
    let wanted = Int(min(written - offset, 1 << 20))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
    defer { buffer.deallocate() }
    let count = uninterrupted { pread(file.descriptor, buffer.baseAddress, wanted, Int(offset)) }
    guard count > 0 else {
      throw .system("reading back at \(offset) of", file.place, count == 0 ? EIO : errno)
    }
    try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }
}

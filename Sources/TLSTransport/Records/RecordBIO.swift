internal import COpenSSL
internal import NIOCore

/// What OpenSSL reads from and writes to in place of a socket: it reads from a buffer that is borrowed for one call
/// and appends to a buffer of its own.
final class RecordBIO {
  /// Ciphertext for the peer.
  private(set) var output = ByteBuffer()
  /// How much may be in ``output``; a write above it fails.
  var outputLimit = Int.max
  /// Whether a write failed for ``outputLimit``.
  private(set) var isOverLimit = false
  /// What is left of the borrowed bytes.
  private var input = UnsafeRawBufferPointer(start: nil, count: 0)

  /// A `BIO` whose data points to this object. The caller owns it and must free it before this object goes.
  func makeHandle() -> OpaquePointer? {
    guard let bio = BIO_new(Self.method) else { return nil }
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    return bio
  }

  /// Lets OpenSSL read these bytes while `body` runs, and none of them afterwards.
  func lend<Result>(_ bytes: UnsafeRawBufferPointer, _ body: () -> Result) -> Result {
    input = bytes
    defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
    return body()
  }

  /// Takes what OpenSSL has not read of the lent bytes, so that it does not read them. Valid for as long as they are
  /// lent.
  func takeInput() -> UnsafeRawBufferPointer {
    defer { input = UnsafeRawBufferPointer(start: nil, count: 0) }
    return input
  }

  /// Makes sure that ``output`` has room for so many bytes more without growing in steps.
  func reserve(_ count: Int, from scratch: inout BufferScratch.Slot) {
    guard output.readableBytes == 0, count > BufferScratch.threshold else {
      output.reserveCapacity(minimumWritableBytes: count)
      return
    }
    output = scratch.take(capacity: count)
  }

  /// Hands over what is to be sent, with its storage.
  func takeOutput() -> ByteBuffer? {
    guard output.readableBytes > 0 else { return nil }
    defer { output = ByteBuffer() }
    return output
  }

  fileprivate func read(into target: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(target.count, input.count)
    guard count > 0 else { return 0 }
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<count]))
    input = UnsafeRawBufferPointer(rebasing: input[count...])
    return count
  }

  fileprivate func write(_ source: UnsafeRawBufferPointer) -> Bool {
    guard output.readableBytes <= outputLimit - source.count else {
      isOverLimit = true
      return false
    }
    output.writeBytes(source)
    return true
  }

  /// A `BIO_METHOD`. It is made once and never changes after that, and OpenSSL only reads it.
  private nonisolated(unsafe) static let method: OpaquePointer = {
    guard let method = BIO_meth_new(BIO_get_new_index() | shim_BIO_TYPE_SOURCE_SINK(), "record buffers") else {
      preconditionFailure("OpenSSL has no memory for a BIO_METHOD")
    }
    BIO_meth_set_read(method, readRecordBytes)
    BIO_meth_set_write(method, writeRecordBytes)
    BIO_meth_set_ctrl(method, controlRecordBIO)
    return method
  }()
}

/// The object behind a `BIO`. The session that owns both frees the `BIO` first.
private func recordBIO(_ bio: OpaquePointer) -> RecordBIO? {
  BIO_get_data(bio).map { Unmanaged<RecordBIO>.fromOpaque($0).takeUnretainedValue() }
}

private func readRecordBytes(_ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ count: CInt) -> CInt {
  guard let bio, let target, count > 0, let buffers = recordBIO(bio) else { return 0 }
  shim_BIO_clear_retry_flags(bio)
  let taken = buffers.read(into: UnsafeMutableRawBufferPointer(start: target, count: Int(count)))
  if taken > 0 { return CInt(taken) }
  // An empty buffer is "not yet", never the end: the end of the stream is known to the channel alone.
  shim_BIO_set_retry_read(bio)
  return -1
}

private func writeRecordBytes(_ bio: OpaquePointer?, _ source: UnsafePointer<CChar>?, _ count: CInt) -> CInt {
  guard let bio, let source, count > 0, let buffers = recordBIO(bio) else { return 0 }
  shim_BIO_clear_retry_flags(bio)
  return buffers.write(UnsafeRawBufferPointer(start: source, count: Int(count))) ? count : -1
}

private func controlRecordBIO(
  _ bio: OpaquePointer?, _ command: CInt, _ number: CLong, _ pointer: UnsafeMutableRawPointer?
) -> CLong {
  // libssl insists that a flush succeeds; it asks for nothing else that matters here.
  command == BIO_CTRL_FLUSH ? 1 : 0
}

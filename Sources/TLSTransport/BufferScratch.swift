internal import NIOCore

#if canImport(Glibc)
  internal import Glibc
#else
  internal import Musl
#endif

/// Large buffers that the connections of one thread, and so of one event loop, take turns with.
///
/// A buffer is needed only while one read is decrypted and handed on. Kept per thread, it is warm in the cache, and an
/// idle connection holds none.
final class BufferScratch {
  /// One buffer that is lent out and given back.
  struct Slot {
    private var buffer: ByteBuffer?

    /// An empty buffer. If someone still holds what was made in it, the storage stays theirs and this is a new one.
    mutating func take(capacity: Int) -> ByteBuffer {
      guard var buffer = buffer.take() else { return ByteBufferAllocator().buffer(capacity: capacity) }
      buffer.clear(minimumCapacity: capacity)
      return buffer
    }

    /// Takes a buffer back, whoever else may still hold its storage.
    mutating func give(_ returned: ByteBuffer) {
      if let buffer, buffer.storageCapacity >= returned.storageCapacity { return }
      buffer = returned
    }
  }

  /// Above this a buffer is worth sharing; below, it is allocated at its size, so that a small message that somebody
  /// keeps does not keep a large storage.
  static let threshold = 32 << 10

  /// Ciphertext from the socket.
  var received = Slot()
  /// Plaintext of one read.
  var plaintext = Slot()
  /// Ciphertext for the socket.
  var encrypted = Slot()

  /// This thread's. It is freed with the thread.
  static var current: BufferScratch {
    if let known = pthread_getspecific(key) {
      return Unmanaged<BufferScratch>.fromOpaque(known).takeUnretainedValue()
    }
    let made = BufferScratch()
    pthread_setspecific(key, Unmanaged.passRetained(made).toOpaque())
    return made
  }

  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let result = pthread_key_create(&key) { value in
      guard let value else { return }
      Unmanaged<BufferScratch>.fromOpaque(value).release()
    }
    precondition(result == 0, "no thread-specific storage is left in this process")
    return key
  }()
}

internal import NIOCore

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Large buffers that the connections of one thread, and so of one event loop, take turns with.
///
/// A buffer is needed only while one read is decrypted and handed on. Kept per thread, it is warm in the cache, and an
/// idle connection holds none.
final class BufferScratch {
  /// Buffers that are lent out and given back.
  ///
  /// Mostly one is enough: it is back before the next is wanted. While a slow receiver holds what was made in some of
  /// them, the others go round; without them each read would take fresh pages from the kernel.
  struct Slot {
    private static let limit = 4

    private var buffers: [ByteBuffer] = []

    /// An empty buffer whose storage nobody else holds: the one that was used last, if it is free.
    mutating func take(capacity: Int) -> ByteBuffer {
      for index in buffers.indices.reversed() {
        guard buffers[index].storageCapacity >= capacity else { continue }
        let isFree = buffers[index].modifyIfUniquelyOwned { $0.clear() } != nil
        if isFree { return buffers.remove(at: index) }
      }
      return ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Takes a buffer back. Others may still hold its storage.
    mutating func give(_ returned: ByteBuffer) {
      if buffers.count == Self.limit {
        // The smallest goes first, and among equals the one that has waited longest.
        guard let index = buffers.indices.min(by: { buffers[$0].storageCapacity < buffers[$1].storageCapacity }),
          buffers[index].storageCapacity <= returned.storageCapacity
        else { return }
        buffers.remove(at: index)
      }
      buffers.append(returned)
    }
  }

  /// Above this a buffer is worth sharing; below, it is allocated at its size, so that a small message that somebody
  /// keeps does not keep a large storage.
  static let threshold = 32 << 10

  /// Ciphertext from the socket.
  var received = Slot()
  /// The same, in buffers of the smallest stage.
  var receivedLittle = Slot()
  /// Plaintext of one read.
  var plaintext = Slot()
  /// What others put together of it.
  var gathered = Slot()
  /// Ciphertext for the socket.
  var encrypted = Slot()

  /// Takes back what the socket was read into, unless it is a channel's own first buffer.
  func takeBack(received ciphertext: ByteBuffer) {
    if ciphertext.storageCapacity > Self.threshold {
      received.give(ciphertext)
    } else if ciphertext.storageCapacity >= StagedReceiveAllocator.stages[0] {
      receivedLittle.give(ciphertext)
    }
  }

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
    #if canImport(Darwin)
      let result = pthread_key_create(&key) { Unmanaged<BufferScratch>.fromOpaque($0).release() }
    #else
      let result = pthread_key_create(&key) { value in
        guard let value else { return }
        Unmanaged<BufferScratch>.fromOpaque(value).release()
      }
    #endif
    precondition(result == 0, "no thread-specific storage is left in this process")
    return key
  }()
}

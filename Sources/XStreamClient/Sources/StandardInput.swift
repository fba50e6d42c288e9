import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension UploadSource {
  /// What a process is given on its standard input, as a stream of unknown length; see
  /// ``sequence(_:total:window:)``.
  ///
  /// - Parameter window: bytes that may be in memory, at least 10 MiB.
  public static func standardInput(window: Int = 16 << 20) -> UploadSource {
    .sequence(DescriptorBytes(descriptor: 0), window: window)
  }
}

/// Reads a descriptor that may block, on threads of the pool.
struct DescriptorBytes: AsyncSequence, Sendable {
  /// In bytes; also what a pipe is asked to hold, so that a read is worth its hops.
  private static let portion = 1 << 20

  #if os(Linux)
    /// `F_SETPIPE_SZ` of Linux's fcntl.h, which the Glibc module lacks.
    private static let setPipeSize: CInt = 1031
  #endif

  let descriptor: CInt
  /// Whoever closes it.
  var owner: OpenFile?

  struct Iterator: AsyncIteratorProtocol {
    let descriptor: CInt
    let owner: OpenFile?

    func next() async throws -> ByteBuffer? {
      let descriptor = descriptor
      return try await NIOThreadPool.singleton.runIfActive { try DescriptorBytes.read(descriptor) }
    }
  }

  func makeAsyncIterator() -> Iterator {
    #if os(Linux)
      // Refused for what is no pipe, and for users who may not: then reads are smaller.
      _ = fcntl(descriptor, Self.setPipeSize, CInt(Self.portion))
    #endif
    return Iterator(descriptor: descriptor, owner: owner)
  }

  /// - Returns: nil at the end.
  fileprivate static func read(_ descriptor: CInt) throws -> ByteBuffer? {
    // A cancelled task is not heard by a read that blocks, so the wait is in turns.
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    if poll(&wanted, 1, 200) <= 0 { return ByteBuffer() }
    var hasToWait = false
    var bytes = ByteBufferAllocator().buffer(capacity: portion)
    let count = try bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: portion) { memory in
      while true {
        let count = readBytes(descriptor, memory)
        if count >= 0 { return count }
        // Another reader was faster: the next turn waits.
        if errno == EAGAIN {
          hasToWait = true
          return 0
        }
        guard errno == EINTR else { throw SourceProblem(errno) }
      }
    }
    if hasToWait { return ByteBuffer() }
    if count == 0 { return nil }
    return bytes.readableBytes < portion / 2 ? ByteBuffer(bytes: bytes.readableBytesView) : bytes
  }
}

/// Why a descriptor cannot be read, in the system's words.
private struct SourceProblem: Error, CustomStringConvertible {
  let description: String

  init(_ code: CInt) {
    description = String(cString: strerror(code))
  }
}

/// `read`, which within the type means its own.
private func readBytes(_ descriptor: CInt, _ memory: UnsafeMutableRawBufferPointer) -> Int {
  read(descriptor, memory.baseAddress, memory.count)
}

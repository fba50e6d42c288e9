@testable import Forwarders
import Glibc
import NIOCore
import Testing

@Suite("Pieces on their way to a file")
struct WritePiecesTests {
  private func bytes(_ buffers: [ByteBuffer]) -> [UInt8] { buffers.flatMap { Array($0.readableBytesView) } }

  @Test("hold little memory where each is a byte of a large read")
  func smallPieces() {
    var pending = PendingBytes()
    let read = ByteBuffer(repeating: 5, count: 512 << 10)
    for index in 0..<300_000 {
      if let slice = read.getSlice(at: index, length: 1) { pending.append(slice) }
    }
    #expect(bytes(pending.buffers) == [UInt8](repeating: 5, count: 300_000))
    #expect(pending.buffers.reduce(0) { $0 + $1.storageCapacity } <= 600_000)
    #expect(pending.buffers.count == 2)
  }

  @Test("are not copied where they are large, and keep their order among small ones")
  func order() {
    var pending = PendingBytes()
    let large = ByteBuffer(bytes: pattern(PendingBytes.largeFrom))
    pending.append(ByteBuffer(bytes: [1]))
    pending.append(ByteBuffer())
    pending.append(ByteBuffer(bytes: [2]))
    pending.append(large)
    pending.append(ByteBuffer(bytes: [3]))
    #expect(pending.buffers.count == 3)
    #expect(bytes(pending.buffers) == [1, 2] + pattern(PendingBytes.largeFrom) + [3])
    let isShared = pending.buffers[1].withVeryUnsafeBytes { one in
      large.withVeryUnsafeBytes { $0.baseAddress == one.baseAddress }
    }
    #expect(isShared)
  }

  @Test("go out as many bytes at a time as are wanted, of which none is lost or comes twice")
  func take() {
    let all = pattern(1_000_000)
    var pending = PendingBytes()
    var (given, taken) = (0, [UInt8]())
    for (index, count) in [100_000, 3, 40_000, 0, 200_000, 17, 300_000, 359_980].enumerated() {
      pending.append(ByteBuffer(bytes: all[given..<given + count]))
      given += count
      taken += bytes(pending.take(min(pending.count, [1, 140_001, 70_000, 999_999][index % 4])))
      #expect(pending.count == given - taken.count && pending.isEmpty == (pending.count == 0))
    }
    taken += bytes(pending.take(pending.count))
    #expect(taken == all)
    #expect(pending.isEmpty)
  }

  @Test("are all written where the system takes a few bytes at a time or is interrupted")
  func shortWrites() {
    let buffers = (0..<3000).map { ByteBuffer(bytes: pattern(1 + $0 % 7, seed: UInt64($0))) }
    var written: [UInt8] = []
    var calls = 0
    let code = VectoredWrite.write(buffers, to: -1, at: 10) { _, vectors, count, offset in
      calls += 1
      if calls % 3 == 0 {
        errno = EINTR
        return -1
      }
      #expect(offset == 10 + written.count && count <= 1024)
      let limit = [1, 2, 5, 3000, 100_000][calls % 5]
      let before = written.count
      for vector in UnsafeBufferPointer(start: vectors, count: Int(count)) {
        let room = limit - (written.count - before)
        written += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len).prefix(room)
      }
      return written.count - before
    }
    #expect(code == 0)
    #expect(written == bytes(buffers))
  }

  @Test("are not tried again where the system says why not")
  func failedWrite() {
    let code = VectoredWrite.write([ByteBuffer(bytes: [1])], to: -1, at: 0)
    #expect(code == EBADF)
  }
}

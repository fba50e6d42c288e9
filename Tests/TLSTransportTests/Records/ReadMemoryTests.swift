import NIOCore
import Testing

@testable import TLSTransport

@Suite struct ReadMemoryTests {
  @Test(
    "what somebody holds of a read takes up little more than its bytes",
    arguments: [33 << 10, 65 << 10, 100 << 10, 200 << 10, 300 << 10, 512 << 10])
  func heldReads(size: Int) {
    var slot = BufferScratch.Slot()
    var held: [ByteBuffer] = []
    for _ in 0..<16 {
      var buffer = slot.take(capacity: StagedReceiveAllocator.plaintextCapacity(forCiphertext: size))
      buffer.writeRepeatingByte(1, count: size)
      slot.give(buffer)
      held.append(buffer)
    }
    let storage = held.reduce(0) { $0 + $1.storageCapacity }
    #expect(storage <= 4 * held.count * size, "\(storage) for \(held.count * size)")
  }
}

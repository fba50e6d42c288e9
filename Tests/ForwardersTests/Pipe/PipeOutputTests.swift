import NIOCore
import Testing

@testable import Forwarders

@Suite("Bytes on their way to a backend")
struct PipeOutputTests {
  @Test("go to the channel as they come, while it has none")
  func idle() {
    let output = Output()
    for _ in 0..<3 {
      #expect(output.add(ByteBuffer(string: "abc")).count == 1)
      #expect(output.count == 3 && output.waitingCount == 0)
      #expect(output.sent(3).isEmpty)
      #expect(output.isIdle)
    }
  }

  @Test("hold little memory where a backend does not read, and each came alone")
  func small() {
    let output = Output()
    let read = ByteBuffer(repeating: 5, count: 512 << 10)
    var pieces: [ByteBuffer] = []
    for index in 0..<200_000 {
      if let slice = read.getSlice(at: index, length: 1) { pieces += output.add(slice) }
    }
    #expect(output.count == 200_000)
    // One was given to an idle channel, and what makes a piece of its own follows.
    #expect(pieces.count < 8)
    #expect(pieces.dropFirst().reduce(0) { $0 + $1.storageCapacity } <= 500_000)
  }

  @Test("stay in order, and all arrive", arguments: 0..<20 as Range<UInt64>)
  func order(seed: UInt64) {
    var random = SplitMix(state: seed)
    let output = Output()
    var given: [UInt8] = []
    var (channel, arrived): ([ByteBuffer], [UInt8]) = ([], [])
    func send() {
      guard !channel.isEmpty else { return }
      let piece = channel.removeFirst()
      arrived += piece.readableBytesView
      channel += output.sent(piece.readableBytes)
    }
    for step in 0..<100 {
      let bytes = pattern(Int.random(in: 1...100_000, using: &random), seed: UInt64(step))
      given += bytes
      channel += output.add(ByteBuffer(bytes: bytes))
      for _ in 0..<Int.random(in: 0...2, using: &random) { send() }
      #expect(output.count == given.count - arrived.count)
    }
    while !channel.isEmpty { send() }
    #expect(output.isIdle)
    let isSame = arrived == given
    #expect(isSame)
  }

  @Test("are forgotten where the channel does not have them")
  func dropped() {
    let output = Output()
    _ = output.add(ByteBuffer(repeating: 1, count: 300 << 10))
    #expect(output.add(ByteBuffer(repeating: 1, count: 100 << 10)).isEmpty)
    #expect(output.drop() == 100 << 10)
    #expect(output.sent(300 << 10).isEmpty)
    #expect(output.isIdle)
  }
}

/// What an expectation may change while it looks.
private final class Output {
  private var output = PipeOutput()
  var count: Int { output.count }
  var waitingCount: Int { output.waitingCount }
  var isIdle: Bool { output.isIdle }

  func add(_ bytes: ByteBuffer) -> [ByteBuffer] { output.add(bytes) }
  func sent(_ count: Int) -> [ByteBuffer] { output.sent(count) }
  func drop() -> Int { output.drop() }
}

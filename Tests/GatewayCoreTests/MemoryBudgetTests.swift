import NIOEmbedded
import Testing

@testable import GatewayCore

@Suite("The memory of all")
struct MemoryBudgetTests {
  private let limit = 64 << 20

  @Test("is felt by those who begin, then by those who are read, then by those who connect")
  func order() {
    let memory = MemoryBudget(limit: limit)
    var seen: [String] = []
    for _ in 0..<80 {
      memory.take(1 << 20)
      if memory.isCrowded, !seen.contains("busy") { seen.append("busy") }
      if memory.isExceeded, !seen.contains("pause") { seen.append("pause") }
      if memory.isOverfull, !seen.contains("rest") { seen.append("rest") }
    }
    #expect(seen == ["busy", "pause", "rest"])
    memory.giveBack(80 << 20)
    #expect(!memory.isCrowded && !memory.isExceeded && !memory.isOverfull)
  }

  @Test("counts connections, which take from uploads, and never more than half")
  func connections() {
    let memory = MemoryBudget(limit: limit)
    memory.changeConnections(by: 16 << 20)
    memory.take(48 << 20)
    #expect(!memory.isExceeded)
    memory.take(1)
    #expect(memory.isExceeded && !memory.isOverfull)
    memory.giveBack((16 << 20) + 1)
    memory.changeConnections(by: 84 << 20)
    #expect(!memory.isExceeded, "what connections hold must not stop who holds little")
    #expect(memory.isOverfull && memory.isCrowded)
    memory.changeConnections(by: -100 << 20)
    #expect(!memory.isOverfull && !memory.isCrowded)
  }

  @Test("is shared evenly once half of it is in use")
  func fair() {
    let memory = MemoryBudget(limit: limit)
    memory.changeUploads(by: 4)
    memory.take(30 << 20)
    #expect(!memory.isShort(holding: 30 << 20))
    memory.take(4 << 20)
    #expect(memory.isShort(holding: 13 << 20) && !memory.isShort(holding: 12 << 20))
    memory.changeUploads(by: -3)
    #expect(!memory.isShort(holding: 34 << 20))
  }

  @Test("refuses who brings bytes while it is short, and answers whoever only asks")
  func busy() throws {
    let loop = EmbeddedEventLoop()
    let fixture = GatewayFixture(window: 1 << 30, memory: limit)
    let front = try fixture.open(fixture.request(total: 1 << 30), on: loop)
    loop.run()
    fixture.forwarder.isHeld = true
    front.write(limit)
    #expect(throws: Refusal.busy(retryAfter: 5)) { try fixture.open(fixture.request(total: 1), on: loop) }
    var quiet = fixture.request(total: 0)
    quiet.transfer.bringsBytes = false
    _ = try fixture.open(quiet, on: loop)
    #expect(fixture.gateway.memory.isShort(holding: limit))
  }
}

import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@testable import GatewayServer

/// Who stays where there is not room for all.
@Suite struct ConnectionTableTests {
  private func connection() throws -> EmbeddedChannel {
    let channel = EmbeddedChannel()
    try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
    return channel
  }

  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
  private var late: NIODeadline { start + ConnectionTable.grace }

  private func place(_ outcome: ConnectionTable.Outcome) -> ConnectionTable.Place? {
    if case .admitted(let place) = outcome { place } else { nil }
  }

  /// What a channel's close begins on its event loop.
  private func run(_ channels: [EmbeddedChannel]) { for channel in channels { channel.embeddedEventLoop.run() } }

  @Test("an address has so many, and has room again when one of them is gone")
  func addresses() throws {
    let table = ConnectionTable(limit: 100, memory: MemoryBudget(limit: 1 << 30))
    let (here, there) = (AddressBlock("192.0.2.1"), AddressBlock("192.0.2.2"))
    let first = try connection()
    #expect(place(table.admit(first, from: here, most: 2)) != nil)
    let other = try connection()
    let late = try #require(place(table.admit(other, most: 2)))
    #expect(table.locate(late, at: here, most: 2))
    let (second, third, fourth) = (try connection(), try connection(), try connection())
    #expect(place(table.admit(second, from: here, most: 2)) == nil)
    let stranger = try #require(place(table.admit(third, most: 2)))
    #expect(!table.locate(stranger, at: here, most: 2))
    #expect(place(table.admit(fourth, from: there, most: 2)) != nil)
    #expect(table.addressCount == 2)
    try first.close().wait()
    run([first])
    #expect(table.locate(stranger, at: here, most: 2))
  }

  @Test("where all places are taken, the oldest goes that has shown nothing, and nobody who has")
  func evicted() throws {
    let memory = MemoryBudget(limit: 1 << 30)
    let table = ConnectionTable(limit: 3, memory: memory)
    let channels = try (0..<5).map { _ in try connection() }
    let secured = try #require(place(table.admit(channels[0], now: start)))
    table.secured(secured)
    for channel in channels[1...2] { #expect(place(table.admit(channel, now: start)) != nil) }
    #expect(place(table.admit(channels[3], now: late - .nanoseconds(1))) == nil, "they have had no time yet")
    #expect(place(table.admit(channels[3], now: late)) != nil)
    run(channels)
    #expect(channels.map(\.isActive) == [true, false, true, true, true])
    #expect(table.count == 3 && table.halfOpenCount == 2)
    #expect(memory.bytesOfConnections == 2 * ConnectionMemory.handshaking + ConnectionMemory.open)
    for place in 0..<10 { table.secured(ConnectionTable.Place(place)) }
    #expect(place(table.admit(channels[4], now: late + .hours(1))) == nil, "all have shown who they are")
    for channel in channels where channel.isActive { channel.close(promise: nil) }
    run(channels)
    #expect(table.count == 0 && table.halfOpenCount == 0 && memory.bytesOfConnections == 0)
  }

  @Test("half-open connections have a quarter of the memory at most, and push out each other")
  func flood() throws {
    let memory = MemoryBudget(limit: 32 << 20)
    let table = ConnectionTable(limit: 10_000, memory: memory)
    let most = memory.limit / 4 / ConnectionMemory.handshaking
    let channels = try (0..<most + 50).map { _ in try connection() }
    for channel in channels.prefix(most) { #expect(place(table.admit(channel, now: start)) != nil) }
    #expect(table.isHalfOpenFull(at: start) && !table.isHalfOpenFull(at: late))
    for channel in channels.dropFirst(most) { #expect(place(table.admit(channel, now: late)) != nil) }
    run(channels)
    #expect(table.count == most && memory.bytesOfConnections == memory.limit / 4)
    #expect(channels.prefix(50).allSatisfy { !$0.isActive } && channels.dropFirst(50).allSatisfy(\.isActive))
    #expect(!memory.isOverfull && !memory.isCrowded)
  }
}

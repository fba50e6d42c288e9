import GatewayCore
import Testing

@testable import Forwarders

@Suite("The pool of backends") struct BackendPoolTests {
  private let addresses = (1...4).map { BackendAddress.host("10.0.0.\($0)", port: 9000) }

  private func first(_ pool: inout BackendPool, _ key: UploadKey = .mint()) -> BackendAddress? {
    pool.candidates(for: key).first
  }

  @Test("names every backend once, and those that are down last", arguments: PipeForwarder.Balance.allCases)
  func all(_ balance: PipeForwarder.Balance) {
    var pool = BackendPool(addresses, balance: balance)
    let news = [pool.mark(addresses[1], isUp: false), pool.mark(addresses[1], isUp: false)]
    #expect(news == [true, false])
    for _ in 1...20 {
      let candidates = pool.candidates(for: .mint())
      #expect(Set(candidates) == Set(addresses))
      #expect(candidates.count == 4)
      #expect(candidates.last == addresses[1])
    }
    _ = pool.mark(addresses[1], isUp: true)
    let firsts = (1...200).map { _ in first(&pool) }
    #expect(firsts.contains(addresses[1]))
  }

  @Test("gives uploads to each in turn")
  func roundRobin() {
    var pool = BackendPool(addresses, balance: .roundRobin)
    let firsts = (0..<8).map { _ in first(&pool) }
    #expect(firsts == addresses + addresses)
  }

  @Test("gives an upload to the one with the fewest")
  func leastUploads() {
    var pool = BackendPool(addresses, balance: .leastUploads)
    for _ in 0..<40 {
      guard let address = first(&pool) else { return #expect(Bool(false)) }
      pool.began(address)
    }
    for _ in 1...3 { pool.ended(addresses[2]) }
    for _ in 1...3 {
      let next = first(&pool)
      #expect(next == addresses[2])
      pool.began(addresses[2])
    }
  }

  @Test("a backend more moves only the keys that it gets")
  func byKey() {
    var small = BackendPool(Array(addresses[..<3]), balance: .byKey)
    var large = BackendPool(addresses, balance: .byKey)
    var counts: [BackendAddress: Int] = [:]
    for _ in 0..<2000 {
      let key = UploadKey.mint()
      let (before, after, again) = (first(&small, key), first(&large, key), first(&large, key))
      #expect(after == before || after == addresses[3])
      if let after { counts[after, default: 0] += 1 }
      #expect(after == again)
    }
    for address in addresses { #expect((350...650).contains(counts[address] ?? 0)) }
  }
}

@Suite("A pipe's machine") struct PipeMachineTests {
  private func machine(
    _ total: Int64? = 100, done: PipeForwarder.Completion = .closed
  ) -> PipeMachine {
    var machine = PipeMachine(total: total, done: done, endSize: 1)
    machine.accept(100)
    return machine
  }

  /// `#expect` evaluates what it is given in a place where nothing can be changed.
  private func expect(
    _ step: PipeMachine.Step?, of machine: inout PipeMachine, at place: SourceLocation = #_sourceLocation
  ) {
    let next = machine.next()
    #expect(next == step, sourceLocation: place)
  }

  @Test("answers a checkpoint when what came before it is acknowledged, whatever comes after")
  func checkpoint() {
    var machine = machine()
    machine.checkpoint()
    machine.accept(50)
    machine.flushed(100)
    machine.sampled(unacknowledged: 1)
    expect(nil, of: &machine)
    machine.flushed(50)
    machine.sampled(unacknowledged: 51)
    expect(nil, of: &machine)
    machine.sampled(unacknowledged: 40)
    expect(.safe(upTo: 110), of: &machine)
    expect(nil, of: &machine)
  }

  @Test("ends its side after the last byte, and is complete when the backend has ended too")
  func closed() {
    var machine = machine()
    machine.finish()
    expect(nil, of: &machine)
    machine.flushed(100)
    expect(.endOutput, of: &machine)
    machine.outputEnded()
    machine.sampled(unacknowledged: 0)
    expect(nil, of: &machine)
    #expect(machine.isWaiting)
    let isInOrder = machine.peerEnded(unacknowledged: 1)
    #expect(isInOrder)
    expect(.complete, of: &machine)
    #expect(!machine.isWaiting)
  }

  @Test("is not complete where the backend ends with bytes on their way")
  func endsEarly() {
    var machine = machine()
    let beforeFlush = machine.peerEnded(unacknowledged: 0)
    machine.flushed(100)
    machine.finish()
    let beforeEnd = machine.peerEnded(unacknowledged: 1)
    expect(.endOutput, of: &machine)
    machine.outputEnded()
    let afterEnd = machine.peerEnded(unacknowledged: 2)
    #expect([beforeFlush, beforeEnd, afterEnd] == [false, false, false])
  }

  @Test("an unknown total has its end only when the client says so")
  func unknownTotal() {
    var machine = machine(nil)
    machine.flushed(100)
    let isInOrder = machine.peerEnded(unacknowledged: 0)
    #expect(!isInOrder)
  }

  @Test("`sent` is complete when the end is acknowledged")
  func sent() {
    var machine = machine(done: .sent)
    machine.finish()
    machine.flushed(100)
    machine.sampled(unacknowledged: 0)
    expect(.endOutput, of: &machine)
    machine.outputEnded()
    machine.sampled(unacknowledged: 1)
    expect(nil, of: &machine)
    machine.sampled(unacknowledged: 0)
    expect(.complete, of: &machine)
  }
}

import Testing

@testable import Forwarders

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

import GatewayCore
import Testing

@testable import Fronts

struct SessionMachineTests {
  private func receiving(to end: Int64 = 100) -> SessionMachine {
    var machine = SessionMachine()
    machine.begin()
    machine.offered(from: 0, to: end)
    return machine
  }

  @Test("bytes are awaited from the offer on, but not while the window is full")
  func awaiting() {
    var machine = SessionMachine()
    #expect(!machine.awaitsBytes && machine.takesBytes)
    machine.begin()
    #expect(!machine.awaitsBytes && !machine.hasOffer && machine.hasUpload)
    machine.offered(from: 10, to: 100)
    #expect(machine.awaitsBytes && machine.hasOffer && machine.safeOffset == 10 && machine.grantedEnd == 100)
    machine.paused()
    #expect(!machine.awaitsBytes && machine.isPaused)
    machine.resumed()
    #expect(machine.awaitsBytes)
  }

  @Test("a slow client stops an upload once, and its reason is told")
  func slow() {
    var machine = receiving()
    #expect(machine.isSlow(.tooSlow) == .leave)
    #expect(machine.isSlow(.silence) == .nothing)
    #expect(!machine.takesBytes && !machine.takesEnd)
    #expect(machine.suspended() == .tooSlow)
    #expect(machine.takesBytes && !machine.hasUpload)
  }

  @Test("a gateway that goes away stops what is being received, and leaves everything else to the front")
  func stopping() {
    var machine = receiving()
    #expect(machine.gatewayStops() == .leave)
    #expect(machine.gatewayStops() == .nothing)
    #expect(machine.suspended() == .gatewayStopping)
    var idle = SessionMachine()
    #expect(idle.gatewayStops() == .frontDecides)
    #expect(idle.isGatewayStopping)
    var whole = receiving()
    whole.finish()
    #expect(whole.gatewayStops() == .frontDecides)
    var full = receiving()
    #expect(full.grantFilled(isOfUnknownLength: false) == .leave)
    #expect(full.gatewayStops() == .frontDecides)
  }

  @Test("a full grant of known length is left at once")
  func knownLength() {
    var machine = receiving()
    #expect(machine.grantFilled(isOfUnknownLength: false) == .leave)
    #expect(machine.takesEnd)
    #expect(machine.suspended() == .grantFull)
  }

  @Test("a full grant of unknown length waits for the stream's end, and is whole where that comes")
  func endInTime() {
    var machine = receiving()
    #expect(machine.grantFilled(isOfUnknownLength: true) == .awaitEnd)
    #expect(machine.takesEnd && machine.takesBytes)
    machine.endCame()
    machine.finish()
    #expect(machine.endDidNotCome() == .nothing)
  }

  @Test("an end that comes after its time does not make a stream whole")
  func endTooLate() {
    var machine = receiving()
    _ = machine.grantFilled(isOfUnknownLength: true)
    #expect(machine.endDidNotCome() == .leave)
    #expect(machine.endDidNotCome() == .nothing)
    #expect(!machine.takesEnd && machine.takesBytes)
    #expect(machine.suspended() == .grantFull)
  }

  @Test("what a newer connection took is told so, whatever it was stopped for before")
  func superseded() {
    var machine = receiving()
    _ = machine.grantFilled(isOfUnknownLength: true)
    machine.superseded()
    #expect(!machine.takesBytes)
    #expect(machine.suspended() == .superseded)
  }

  @Test("a right that has ended is told, also where it ended with the last bytes")
  func rightEnded() {
    var machine = receiving()
    machine.rightEnded()
    #expect(!machine.takesBytes && !machine.takesEnd && machine.hasOffer)
    machine.finish()
    #expect(machine.suspended() == .unauthorized)
    var whole = receiving()
    whole.finish()
    whole.rightEnded()
    #expect(whole.suspended() == .unauthorized)
    var unheard = SessionMachine()
    unheard.begin()
    unheard.rightEnded()
    #expect(unheard.takesBytes && !unheard.hasOffer)
  }

  @Test("what is safe is remembered for a client that does not read, and forgotten with the upload")
  func unheard() {
    var machine = receiving()
    machine.safe(upTo: 40)
    machine.safe(upTo: 30)
    #expect(machine.safeOffset == 40)
    machine.concluded()
    machine.ended()
    #expect(machine.safeOffset == nil)
  }
}

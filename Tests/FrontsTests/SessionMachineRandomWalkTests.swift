import GatewayCore
import Testing

@testable import Fronts

/// A front, a core and a clock that do as they like within their order of calls.
struct SessionMachineRandomWalkTests {
  @Test("no walk breaks a promise of the session", arguments: 0..<UInt64(200))
  func walk(seed: UInt64) {
    var random = SplitMix(state: seed)
    var machine = SessionMachine()
    var core = Core.none
    var leaves = 0
    var isStopping = false
    for _ in 0..<400 {
      let before = machine
      switch Int.random(in: 0..<14, using: &random) {
      case 0 where core == .none && !machine.hasUpload && !machine.awaitsBytes:
        machine.ended()
        machine.begin()
        core = .deciding
        leaves = 0
      case 1 where core == .deciding:
        machine.offered(from: 0, to: 100)
        core = .open
        #expect(machine.hasOffer && machine.awaitsBytes)
      case 2 where core == .deciding || core == .open:
        machine.concluded()
        core = .none
        #expect(!machine.hasUpload && !machine.isPaused)
      case 3 where core == .open: machine.paused()
      case 4 where core == .open: machine.resumed()
      case 5 where core == .open: machine.safe(upTo: .random(in: 0...100, using: &random))
      case 6 where core == .open && machine.awaitsBytes:
        machine.finish()
        #expect(!machine.awaitsBytes)
      case 7 where core == .open:
        leaves += machine.grantFilled(isOfUnknownLength: .random(using: &random)) == .leave ? 1 : 0
      case 8: leaves += machine.endDidNotCome() == .leave ? 1 : 0
      case 9: leaves += machine.isSlow(.tooSlow) == .leave ? 1 : 0
      case 10 where machine.takesEnd: machine.endCame()
      case 11 where core == .open && leaves == 0 && machine.hasOffer:
        if .random(using: &random) { machine.superseded() } else { machine.rightEnded() }
      case 12 where core == .open && !machine.awaitsBytes:
        let reason = machine.suspended()
        core = .none
        #expect(reason != nil, "an offered upload ends with a reason")
      case 13 where Int.random(in: 0..<10, using: &random) == 0:
        leaves += machine.gatewayStops() == .leave ? 1 : 0
        isStopping = true
      default: continue
      }
      // Bytes are awaited only for an offer, and what is taken is never what is being stopped for the gateway's own reasons.
      if machine.awaitsBytes { #expect(machine.hasOffer && machine.takesBytes && !machine.isPaused) }
      if !machine.takesBytes { #expect(machine.hasOffer) }
      if core == .none { #expect(!machine.hasUpload) }
      #expect(leaves <= 1, "an upload is left once, from \(before)")
      #expect(machine.isGatewayStopping == isStopping)
    }
  }

  private enum Core { case none, deciding, open }

  private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}

import Dispatch
import NIOCore
import NIOPosix
import OperatingSystem
import Testing

@testable import GatewayServer

/// Whether a gateway's parts answer, and what the service manager hears of it.
@Suite(.timeLimit(.minutes(1))) struct LivenessTests {
  @Test("an event loop that hangs owes an answer, the others do not, and it is over when it goes on")
  func eventLoop() async throws {
    try await withGateway { gateway in
      let watch = gateway.running.liveness
      #expect(watch.look().parts.filter { $0.kind == .eventLoop }.count == 2)
      let (hangs, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
      gateway.running.eventLoops.next().execute {
        hangs.signal()
        goesOn.wait()
      }
      await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
          hangs.wait()
          continuation.resume()
        }
      }
      #expect(
        await eventually { watch.look().parts.filter { $0.owing > .milliseconds(200) }.map(\.kind) == [.eventLoop] })
      goesOn.signal()
      #expect(await eventually { watch.look().silent(for: .milliseconds(200)).isEmpty })
    }
  }

  @Test("all threads of the stores and the ledger's are looked at")
  func parts() async throws {
    try await withGateway { gateway in
      let liveness = gateway.running.liveness.look()
      #expect(Set(liveness.parts.map(\.kind)) == Set(Liveness.Kind.allCases))
      #expect(liveness.parts.filter { $0.kind == .storeThread }.map(\.number) == Array(0..<8))
    }
  }

  @Test("the manager hears of a gateway only while all of its parts answer, and the log says once who does not")
  func watchdog() {
    func look(_ seconds: Int) -> Liveness {
      Liveness(parts: [
        .init(kind: .eventLoop, number: 0, owing: .zero),
        .init(kind: .storeThread, number: 1, owing: .seconds(seconds)),
      ])
    }
    var machine = WatchdogMachine(patience: .seconds(10))
    #expect(machine.see(look(0)) == .alive)
    #expect(machine.see(look(10)) == .alive)
    #expect(
      machine.see(look(11)) == .fellSilent([.init(kind: .storeThread, number: 1, owing: .seconds(11))]))
    #expect(machine.see(look(12)) == .stillSilent)
    #expect(machine.see(look(0)) == .aliveAgain)
    #expect(machine.see(look(0)) == .alive)
  }

  @Test("what is at work is at one piece of it")
  func busy() {
    let busy = BusySince()
    #expect(busy.duration == nil)
    #expect(busy.begin() && !busy.begin())
    #expect(busy.duration != nil)
    busy.end()
    #expect(busy.duration == nil && busy.begin())
  }
}

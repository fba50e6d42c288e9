import Forwarders
import GatewayCore
import NIOCore
import NIOPosix
import Synchronization

// Whether the gateway lives, and whether it can take uploads.
extension RunningGateway {
  /// So long may anything owe an answer.
  private static let patience = Duration.seconds(10)
  private static let shortPatience = Duration.seconds(5)

  /// What does not answer, in words; empty where all does.
  package func faultsOfLife() async -> [String] {
    liveness.look().silent(for: Self.patience).map { part in
      "\(part.kind.rawValue) \(part.number) owes an answer since \(part.owing.components.seconds) s"
    }
  }

  /// Why nothing new should be sent here, in words; empty where it should.
  package func faultsOfReadiness() async -> [String] {
    var faults = await faultsOfLife()
    if isStopping { faults.append("the gateway is stopping") }
    // Whoever does not answer would not answer these either.
    guard faults.isEmpty else { return faults }
    let (answers, answer) = AsyncStream.makeStream(of: [String].self)
    // Not a group of tasks: a disk that never answers would hold that up for ever.
    Task { answer.yield(await self.faultsOfStores() + self.faultsOfLedger()) }
    let clock = Task {
      try await Task.sleep(for: Self.shortPatience)
      answer.yield(["store or ledger did not answer within \(Self.shortPatience)"])
    }
    defer { clock.cancel() }
    return await answers.first { _ in true } ?? []
  }

  private func faultsOfStores() async -> [String] {
    let stores = parts.withLock { parts in
      parts.places.compactMap { route, place in (place.forwarder as? DirectoryStore).map { (route: route, store: $0) } }
    }
    var faults: [String] = []
    for (route, store) in stores {
      do {
        try await NIOThreadPool.singleton.runIfActive { try store.checkWritable() }
      } catch {
        faults.append("\(route): \(FailureDescription.of(error))")
      }
    }
    return faults.sorted()
  }

  /// A question that changes nothing goes the way of all that changes something.
  private func faultsOfLedger() async -> [String] {
    do {
      try await gateway.askLedger(on: eventLoops.next()).get()
      return []
    } catch {
      return [FailureDescription.of(error)]
    }
  }
}

import ConfigurationReading
import Fronts
import GatewayCore
import Ledgers
import Logging
import NIOCore
import Synchronization

// Both ends of a hand-over, where the gateway itself is concerned.
extension RunningGateway {
  /// Has the gateway that runs over the same state folder give its sockets, and then its ledger and stores. Blocks.
  ///
  /// - Returns: it, and its uploads that are still on their way; nothing where none runs.
  /// - Throws: what keeps this one from taking over. The other one goes on then.
  static func takeOver(_ preparation: Preparation, _ logger: Logger) throws -> (IncomingHandOver?, [UploadKey]) {
    let configuration = preparation.configuration
    do {
      guard let former = try IncomingHandOver(state: configuration.state, logger: logger) else {
        logger.notice("No gateway is there to be taken over: this one starts by itself")
        return (nil, [])
      }
      // What would fail after the other one has stopped listening.
      for (index, listener) in configuration.listeners.enumerated() where !former.has(listener) {
        guard AddressProbe.look(at: listener, besides: configuration.listeners) == .inUse else { continue }
        let places = configuration.origin.listeners
        throw ConfigurationFaults(
          [
            Findings.inUse(
              .error, listener, configuration, at: places.indices.contains(index) ? places[index] : nil)
          ], mainFile: configuration.origin.file)
      }
      return (former, try former.takeLedger())
    } catch let failure as HandOverFailure {
      throw StartFailure.faults(failure.description, configuration, at: nil)
    }
  }

  /// Copies of the sockets that it listens on, by the places that its configuration names. For a thread that may wait.
  func passableSockets() -> [(place: String, descriptors: [CInt])] {
    var sockets: [(place: String, descriptors: [CInt])] = []
    for listener in listeners {
      guard let descriptor = listener.duplicate() else { continue }
      let place = listener.listener.description
      if let index = sockets.firstIndex(where: { $0.place == place }) {
        sockets[index].descriptors.append(descriptor)
      } else {
        sockets.append((place, [descriptor]))
      }
    }
    return sockets
  }

  /// Lets another process have the ledger and the stores, and accepts nobody any more: clients wait in the kernel's backlog. For a
  /// thread that may wait.
  ///
  /// - Parameter other: what the ledger is to uploads that are under way from now on.
  /// - Returns: the uploads that are still on their way here.
  func handOver(to other: any Ledger) -> Set<UploadKey> {
    for listener in listeners { try? listener.pause().wait() }
    endUpkeep()
    // The other one answers operators at the same place.
    admin.withLock { $0 }?.leave()
    gateway.stopAssembling()
    movableLedger.move(to: other)
    // What was asked before is answered, and durable.
    ledger.close()
    for forwarder in parts.withLock({ $0.forwarders }) { forwarder.handOver() }
    return gateway.connectedUploads
  }
}

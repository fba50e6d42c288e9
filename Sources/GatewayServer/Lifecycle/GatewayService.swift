package import Logging
import OperatingSystem
import ServiceLifecycle

/// The gateway as a service: runs until it is asked to stop.
package struct GatewayService: Service, CustomStringConvertible {
  private let configuration: Configuration
  private let logger: Logger
  private let reloads: Reloads
  private let confinement: Confinement?
  private let takesOver: Bool
  private let onStart: @Sendable (RunningGateway) -> Void

  /// - Parameters:
  ///   - reloads: has it take its configuration anew while it runs.
  ///   - confinement: what the process was confined to; `nil` where it was not.
  ///   - takesOver: whether a gateway that runs over the same state folder hands over to this one, and ends.
  ///   - onStart: called once when it listens.
  package init(
    _ configuration: Configuration, logger: Logger, reloads: Reloads, confinement: Confinement? = nil,
    takesOver: Bool = false, onStart: @escaping @Sendable (RunningGateway) -> Void
  ) {
    self.configuration = configuration
    self.logger = logger
    self.reloads = reloads
    self.confinement = confinement
    self.takesOver = takesOver
    self.onStart = onStart
  }

  /// What a log may say of it: by default it would be the whole configuration, the digests of tokens included.
  package var description: String { "gateway" }

  /// Starts the gateway, and stops it at graceful shutdown or cancellation.
  ///
  /// - Throws: what kept it from starting.
  package func run() async throws {
    let seen = FileStamp.look(at: configuration.renewableFiles)
    let gateway = try await RunningGateway.start(
      configuration, logger: logger, confinement: confinement, takesOver: takesOver)
    onStart(gateway)
    let watchdog = Watchdog(gateway.liveness, logger: logger)
    watchdog.start()
    defer { watchdog.stop() }
    // Not a child task: it ends between two reloads, and not in the middle of one.
    let reloading = Task { await reloads.run(gateway, since: seen) }
    let handOver = OutgoingHandOver(gateway, logger: logger)
    handOver?.start()
    let isTakenOver = await Self.end(handOver)
    // So that `TimeoutStopSec=` need not know of `timeouts`.
    let longest = Int64(gateway.longestStop / .microseconds(1))
    ServiceNotification.tell(["STOPPING=1", "EXTEND_TIMEOUT_USEC=\(longest)", "STATUS=Finishing what is open"])
    reloads.end(isTakenOver: isTakenOver == true)
    await reloading.value
    handOver?.stop(keepsName: isTakenOver != nil)
    await gateway.stop(isTakenOver: isTakenOver == true)
    if isTakenOver == false { throw HandOverLost() }
  }

  /// Waits for the gateway's end.
  ///
  /// - Returns: what came of a hand-over; `nil` where somebody asked for the end.
  private static func end(_ handOver: OutgoingHandOver?) async -> Bool? {
    await withTaskGroup(of: Bool?.self) { group in
      group.addTask {
        try? await gracefulShutdown()
        return nil
      }
      if let handOver {
        group.addTask {
          if let isTaken = await handOver.outcome.first(where: { _ in true }) { return isTaken }
          // Nobody can take over any more, which is no reason to end.
          try? await gracefulShutdown()
          return nil
        }
      }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
  }
}

/// Another process has taken the ledger and died.
struct HandOverLost: Error, CustomStringConvertible {
  var description: String { "the process that took over from this gateway is gone: start the gateway anew" }
}

package import Logging
import OperatingSystem
import ServiceLifecycle

/// The gateway as a service: runs until it is asked to stop.
package struct GatewayService: Service, CustomStringConvertible {
  private let configuration: Configuration
  private let logger: Logger
  private let reloads: Reloads
  private let confinement: Confinement?
  private let onStart: @Sendable (RunningGateway) -> Void

  /// - Parameters:
  ///   - reloads: has it take its configuration anew while it runs.
  ///   - confinement: what the process was confined to; `nil` where it was not.
  ///   - onStart: called once when it listens.
  package init(
    _ configuration: Configuration, logger: Logger, reloads: Reloads, confinement: Confinement? = nil,
    onStart: @escaping @Sendable (RunningGateway) -> Void
  ) {
    self.configuration = configuration
    self.logger = logger
    self.reloads = reloads
    self.confinement = confinement
    self.onStart = onStart
  }

  /// What a log may say of it: by default it would be the whole configuration, the digests of tokens included.
  package var description: String { "gateway" }

  /// Starts the gateway, and stops it at graceful shutdown or cancellation.
  ///
  /// - Throws: what kept it from starting.
  package func run() async throws {
    let seen = FileStamp.look(at: configuration.renewableFiles)
    let gateway = try await RunningGateway.start(configuration, logger: logger, confinement: confinement)
    onStart(gateway)
    let watchdog = Watchdog(gateway.liveness, logger: logger)
    watchdog.start()
    defer { watchdog.stop() }
    // Not a child task: it ends between two reloads, and not in the middle of one.
    let reloading = Task { await reloads.run(gateway, since: seen) }
    try? await gracefulShutdown()
    ServiceNotification.tell(["STOPPING=1", "STATUS=Finishing what is open"])
    reloads.end()
    await reloading.value
    await gateway.stop()
  }
}

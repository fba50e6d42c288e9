import ArgumentParser
import ConfigurationReading
import GatewayServer
import Logging
import NIOCore
import OperatingSystem
import ServiceLifecycle
import UnixSignals

/// Runs the gateway.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the gateway.",
    discussion: """
      Without --config it runs an embedded default, for a first try on this machine alone: 127.0.0.1:8443 (or --listen), one route \
      /upload-file into var/uploads, and a development certificate under certs/dev that it makes at the first start.

      SIGHUP has it read its configuration anew; so does `sluice reload`, which says what came of it.

      With --take-over a gateway that runs already gives its sockets and its ledger to this one, brings what is under way to \
      its end (timeouts.drain), and ends.

      SIGTERM and Ctrl-C end it in order: nobody is accepted any more, what is under way may end for a while (timeouts.drain), \
      the rest is made safe, and its clients are told to resume. A second one ends it at once, with status 1, and says what is left.
      """)

  @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
  var config: String?

  @Option(
    help: ArgumentHelp("Where the embedded default listens, in place of 127.0.0.1:8443.", valueName: "host:port"))
  var listen: String?

  @Flag(
    help: ArgumentHelp(
      "Take over from the gateway that runs over the same state folder, without a moment in which clients are refused.")
  )
  var takeOver = false

  func validate() throws {
    if listen != nil, config != nil {
      throw ValidationError("--listen is for the embedded default; with --config write `listen` into the file")
    }
  }

  /// What is settled before there is a second thread.
  struct Beginning {
    let configuration: Configuration
    let confinement: Confinement
  }

  /// Reads the configuration, and gives up the rights that the gateway does not need.
  func begin() throws -> Beginning {
    do {
      var configuration = try load()
      // The user that it runs as from here on may not be able to read what root could.
      if try Confinement.becomeUser(configuration) { configuration = try load() }
      return Beginning(configuration: configuration, confinement: try Confinement.begin(configuration))
    } catch let faults as ConfigurationFaults {
      throw CommandFailure(faults)
    }
  }

  private func load() throws -> Configuration {
    if let config { return try Configuration.load(path: FileName.ofArgument(config)) }
    // Faults of the address first: no certificate is made for a mistyped one.
    let text = try EmbeddedDefault.load(checkingFiles: false, listen: listen)
    try DevelopmentCertificate.makeIfMissing(host: text.listeners.first?.certificateName)
    return try EmbeddedDefault.load(listen: listen)
  }

  func run() async throws { try await run(begin()) }

  /// Runs the gateway to its end.
  func run(_ beginning: Beginning) async throws {
    let configuration = beginning.configuration
    let log: ProcessLog
    do {
      log = try ProcessLog(configuration.log)
    } catch {
      throw CommandFailure("sluice could not run: \(error)")
    }
    LoggingSystem.bootstrap(log.handler)
    let logger = Logger(label: "sluice")
    beginning.confinement.log(to: logger)
    let reloads = Reloads(logger: logger) { log.setLevel($0.log.level) }
    // To the end of the process: what SIGHUP does by itself is to end it, be it in the middle of a drain.
    let hangUps = await UnixSignalsSequence(trapping: .sighup)
    let listening = Task {
      for await _ in hangUps { reloads.ask() }
    }
    let ending = AbruptEnd(log: log, logger: logger)
    await ending.listen()
    let failure = await serve(beginning, log, logger, reloads, ending)
    withExtendedLifetime(listening) {}
    // Whoever does not read the log does not read last words either.
    guard log.drain(within: configuration.timeouts.shutdown) else {
      StandardStreams.endAtOnce(failure == nil ? .success : .failure)
    }
    if let failure { throw failure }
  }

  /// Runs until it is told to stop.
  private func serve(
    _ beginning: Beginning, _ log: ProcessLog, _ logger: Logger, _ reloads: Reloads, _ ending: AbruptEnd
  ) async -> CommandFailure? {
    let isDefault = config == nil
    let service = GatewayService(
      beginning.configuration, logger: logger, reloads: reloads, confinement: beginning.confinement, takesOver: takeOver
    ) { gateway in
      ending.began(gateway)
      var lines = ["sluice listens on \(gateway.listenAddresses)"]
      if isDefault, let port = gateway.address.port {
        lines.append("try: sluice send --ca certs/dev/ca.pem FILE xstream://localhost:\(port)/upload-file")
      }
      if let problem = Console.outputAtOnce(log.output(lines)) {
        logger.warning("Nobody takes standard output", metadata: ["reason": "\(problem)"])
      }
    }
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(
            service: service, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .cancelGroup)
        ], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do {
      try await group.run()
      return nil
    } catch let faults as ConfigurationFaults {
      return CommandFailure(faults)
    } catch {
      return CommandFailure("sluice could not run: \(FailureDescription.of(error))")
    }
  }
}

import ArgumentParser
import ConfigurationReading
import GatewayServer
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// Runs the gateway.
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the gateway.",
    discussion: """
      Without --config it runs an embedded default, for a first try on this machine alone: 127.0.0.1:8443, one route \
      /upload-file into var/uploads, and a development certificate under certs/dev that it makes at the first start.

      SIGTERM and Ctrl-C end it in order: what is open is made safe, and its clients are told to resume.
      """)

  @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
  var config: String?

  func run() async throws {
    let configuration: Configuration
    do {
      if let config {
        configuration = try Configuration.load(path: config)
      } else {
        try DevelopmentCertificate.makeIfMissing()
        configuration = try EmbeddedDefault.load()
      }
    } catch let faults as ConfigurationFaults {
      throw CommandFailure(faults.description)
    }
    let log = configuration.log
    LoggingSystem.bootstrap { label in
      switch log.format {
      case .text:
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = log.level
        return handler
      case .json: return JSONLogHandler(level: log.level)
      }
    }
    let logger = Logger(label: "sluice")
    let isDefault = config == nil
    let service = GatewayService(configuration, logger: logger) { gateway in
      Console.output("sluice listens on \(gateway.address.ipAddress ?? "?"):\(gateway.address.port ?? 0)")
      if isDefault, let port = gateway.address.port {
        Console.output("try: sluice send --ca certs/dev/ca.pem FILE xstream://localhost:\(port)/upload-file")
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
    } catch {
      throw CommandFailure("sluice could not run: \(error)")
    }
  }
}

import Forwarders
import GatewayCore
import Logging
import NIOCore
import TLSTransport

extension RunningGateway {
  /// One line for a start: what runs, where, and within which limits.
  func logStart(_ configuration: Configuration) {
    var start: Logger.Metadata = [
      "version": "\(ReleaseVersion.number)", "tls": "\(TLSLibrary.version)", "name": "\(configuration.name)",
      "listen": .array(listenAddresses.split(separator: ", ").map { "\($0)" }),
      "routes": .dictionary(
        Dictionary(configuration.routes.map { ($0.route.path, $0.logValue) }, uniquingKeysWith: { first, _ in first })),
      "state": "\(configuration.state)", "threads": .stringConvertible(configuration.threads.count),
      "connections": .stringConvertible(configuration.connections), "memory": .stringConvertible(configuration.memory),
      "window": .stringConvertible(configuration.window),
    ]
    if let adminAddress { start["admin"] = "\(adminAddress)" }
    if let confinement { start["landlock"] = "\(confinement.word)" }
    logger.info("Gateway listens", metadata: start)
  }
}

extension Configuration.RouteEntry {
  /// Where to, and how much.
  fileprivate var logValue: Logger.MetadataValue {
    var value: Logger.Metadata = [
      "upload": .stringConvertible(route.limits.upload), "held": .stringConvertible(route.limits.held),
      "concurrent": .stringConvertible(route.limits.concurrent),
      "unfinished": .stringConvertible(route.limits.unfinished),
    ]
    if let bandwidth = route.limits.bandwidth { value["bandwidth"] = .stringConvertible(bandwidth) }
    switch destination {
    case .directory(let settings): value["store"] = "\(settings.directory)"
    case .pipe(let settings): value["pipe"] = .array(settings.backends.map { "\($0)" })
    }
    return .dictionary(value)
  }
}

import GatewayCore
import Logging
import NIOCore
import Synchronization
import TLSTransport

/// Those who judge new uploads, by route. A reload makes others; what is judged meanwhile is judged by those before.
final class RouteJudges: Sendable {
  private let eventLoops: any EventLoopGroup
  private let logger: Logger
  private let hooks = Mutex<[String: OpeningHook]>([:])

  init(eventLoops: any EventLoopGroup, logger: Logger) {
    self.eventLoops = eventLoops
    self.logger = logger
  }

  /// - Throws: where the authorities of one of them cannot be read; nothing is changed then.
  func take(_ configuration: Configuration) throws(TLSConfigurationError) {
    var made: [String: OpeningHook] = [:]
    do throws(TLSConfigurationError) {
      for entry in configuration.routes {
        guard let settings = entry.onOpen else { continue }
        made[entry.path] = OpeningHook(
          settings, to: try recipient(settings), gateway: configuration.name, logger: logger)
      }
    } catch {
      made.values.forEach { $0.recipient.retire() }
      throw error
    }
    let hooks = made
    let former = self.hooks.withLock { current in
      defer { current = hooks }
      return Array(current.values)
    }
    former.forEach { $0.recipient.retire() }
  }

  private func recipient(_ hook: Configuration.OpeningHook) throws(TLSConfigurationError) -> any OutsideRecipient {
    switch hook.recipient {
    case .command(let command):
      CommandRecipient(
        command, atOnce: hook.atOnce, timeLimit: hook.timeLimit, outputLimit: OpeningHook.answerLimit)
    case .server(let server):
      try ServerRecipient(
        server, contentType: CloudEvent.contentType, timeLimit: hook.timeLimit, answerLimit: OpeningHook.answerLimit,
        eventLoops: eventLoops)
    }
  }

  /// The route with its judge.
  func route(of entry: Configuration.RouteEntry) -> Route {
    var route = entry.route
    route.judge = hooks.withLock { $0[entry.path] }
    return route
  }

  /// Ends what is under way.
  func stop() {
    for hook in hooks.withLock({ Array($0.values) }) { hook.recipient.stop() }
  }
}

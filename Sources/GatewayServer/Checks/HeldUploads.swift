import Forwarders
import GatewayCore
import Logging
import NIOCore
import Synchronization

/// Has a route's whole uploads judged before they are complete (`hold-until`).
final class CompletionCheck: Sendable {
  let checker: any Checker
  private let settings: Configuration.HoldUntil
  private let turns: Turns
  private let logger: Logger

  /// How long it takes until one that could not be asked is asked again.
  private static let pause = Duration.seconds(1)

  init(_ settings: Configuration.HoldUntil, by checker: any Checker, logger: Logger) {
    self.settings = settings
    self.checker = checker
    self.logger = logger
    turns = Turns(settings.atOnce)
  }

  func verdict(on file: FileToCheck) async -> FileVerdict {
    await turns.begin()
    let answer = await ask(file)
    await turns.end()
    var metadata: Logger.Metadata = ["route": "\(file.facts.route)", "upload": "\(file.facts.key.logID)"]
    switch answer {
    case .clean: return .passed
    case .found(let what):
      metadata["found"] = "\(what)"
      logger.warning("Upload did not pass `hold-until`", metadata: metadata)
      return .rejected(what, isKept: settings.keepsRejected)
    case .silent(let why):
      metadata["reason"] = "\(why)"
      metadata["fail"] = settings.failsOpen ? "open" : "closed"
      logger.error("Nobody could check an upload", metadata: metadata)
      return settings.failsOpen ? .passed : .unknown("`hold-until` has no answer: \(why)")
    }
  }

  /// One that is being started again, as when it loads new signatures, is worth waiting for.
  private func ask(_ file: FileToCheck) async -> CheckAnswer {
    let deadline = ContinuousClock.now + settings.timeLimit
    while true {
      let answer = await checker.look(at: file, within: ContinuousClock.now.duration(to: deadline))
      guard case .silent = answer, ContinuousClock.now + Self.pause < deadline, !isStopped.load(ordering: .relaxed)
      else { return answer }
      try? await Task.sleep(for: Self.pause)
    }
  }

  private let isStopped = Atomic(false)

  func stop() {
    isStopped.store(true, ordering: .relaxed)
    checker.stop()
  }
}

/// The checks of all routes. A reload makes others; what is judged meanwhile is judged by those before.
final class HeldUploads: Sendable {
  private let logger: Logger
  private let checks = Mutex<[String: CompletionCheck]>([:])

  init(logger: Logger) {
    self.logger = logger
  }

  func take(_ configuration: Configuration) {
    var made: [String: CompletionCheck] = [:]
    for entry in configuration.routes {
      guard let settings = entry.holdUntil else { continue }
      made[entry.path] = CompletionCheck(
        settings, by: settings.makeChecker(gateway: configuration.name), logger: logger)
    }
    let checks = made
    let former = self.checks.withLock { current in
      defer { current = checks }
      return Array(current.values)
    }
    former.forEach { $0.checker.retire() }
  }

  /// Ends what is under way: what is not judged by then is judged when its client goes on with it.
  func stop() {
    for check in checks.withLock({ Array($0.values) }) { check.stop() }
  }

  fileprivate func check(of route: String) -> CompletionCheck? { checks.withLock { $0[route] } }

  /// What the store of a route asks.
  func fileCheck(of route: String) -> any FileCheck { RouteCheck(route: route, held: self) }

  private struct RouteCheck: FileCheck {
    let route: String
    let held: HeldUploads

    var isWanted: Bool { held.check(of: route) != nil }

    func check(_ file: FileToCheck, on eventLoop: any EventLoop) -> EventLoopFuture<FileVerdict> {
      guard let check = held.check(of: route) else { return eventLoop.makeSucceededFuture(.passed) }
      return eventLoop.makeFutureWithTask { await check.verdict(on: file) }
    }
  }
}

extension Configuration.HoldUntil {
  func makeChecker(gateway: String) -> any Checker {
    switch checker {
    case .command(let command): CommandChecker(command, gateway: gateway, atOnce: atOnce)
    case .clamd(let address): ClamdChecker(address, atOnce: atOnce)
    case .icap(let url): ICAPChecker(url, atOnce: atOnce)
    }
  }
}

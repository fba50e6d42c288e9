import ConfigurationReading
package import Logging
import Metrics
import NIOCore
import NIOPosix
import OperatingSystem
import Synchronization

/// Has a gateway take its configuration anew, one time after the other: when somebody asks for it, and when a file that the
/// configuration names was renewed.
package final class Reloads: Sendable {
  private struct State {
    var isAsked = false
    var hasEnded = false
    var isTakenOver = false
    var number = 0
  }

  /// How often files are looked at. A renewed certificate is taken after two looks.
  private static let lookEvery = Duration.milliseconds(250)

  private let logger: Logger
  private let onReload: @Sendable (Configuration) -> Void
  private let state = Mutex(State())
  private let turns: AsyncStream<Void>
  private let turn: AsyncStream<Void>.Continuation

  /// - Parameter onReload: called after each reload with what was taken.
  package init(logger: Logger, onReload: @escaping @Sendable (Configuration) -> Void = { _ in }) {
    self.logger = logger
    self.onReload = onReload
    (turns, turn) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  }

  /// Asks for a reload. Many that ask at once get one; a gateway that is not up yet does it when it is.
  package func ask() {
    let hasEnded = state.withLock { state in
      if !state.hasEnded { state.isAsked = true }
      return state.hasEnded
    }
    guard !hasEnded else {
      return logger.notice("Configuration is not read: the gateway is stopping")
    }
    turn.yield()
  }

  /// Reloads whenever there is a reason, until ``end()``.
  ///
  /// - Parameter seen: the files as they were when the gateway began to read them.
  func run(_ gateway: RunningGateway, since seen: FileChanges.Look) async {
    record(.taken, false, [], in: gateway)
    ServiceNotification.tell(["READY=1", "STATUS=Listening on \(gateway.listenAddresses)"])
    let looks = Task { [turn] in
      while (try? await Task.sleep(for: Self.lookEvery)) != nil { turn.yield() }
    }
    defer { looks.cancel() }
    var changes = FileChanges(seen)
    for await _ in turns {
      let isAsked = state.withLock { state in
        defer { state.isAsked = false }
        return state.isAsked
      }
      guard isAsked || gateway.configuration.watchesFiles else { continue }
      let seen = await look(gateway)
      if isAsked {
        await reload(gateway, isAsked: true) { try gateway.configuration.readingAgain() }
      } else if changes.see(seen) {
        await reload(gateway, isAsked: false) { try gateway.configuration.readingFilesAgain() }
      } else {
        continue
      }
      // Other files may be named by now. Those that changed while they were read are seen at the next look.
      changes.take(await look(gateway).merging(seen) { _, earlier in earlier })
    }
    // What is on record is the other process's by then.
    guard state.withLock({ !$0.isTakenOver }) else { return }
    state.withLock { $0.number += 1 }
    record(.stopping, true, ["the gateway is stopping"], in: gateway)
  }

  /// Reloads no more; one that is under way is done first.
  ///
  /// - Parameter isTakenOver: whether another process goes on with the state folder.
  func end(isTakenOver: Bool = false) {
    state.withLock { state in
      state.hasEnded = true
      state.isTakenOver = isTakenOver
    }
    turn.finish()
  }

  private func look(_ gateway: RunningGateway) async -> FileChanges.Look {
    let files = gateway.configuration.renewableFiles
    return (try? await NIOThreadPool.singleton.runIfActive { FileStamp.look(at: files) }) ?? [:]
  }

  private func reload(
    _ gateway: RunningGateway, isAsked: Bool,
    _ read: @escaping @Sendable () throws -> Configuration
  ) async {
    let reason = isAsked ? "asked for" : "a file has changed"
    ServiceNotification.tell(["RELOADING=1", "MONOTONIC_USEC=\(ServiceNotification.monotonicMicroseconds)"])
    state.withLock { $0.number += 1 }
    do {
      let wanted = try await NIOThreadPool.singleton.runIfActive { try read() }
      let warnings = try await gateway.reload(wanted)
      let taken = gateway.configuration
      onReload(taken)
      gateway.meters.reloadTaken()
      warnings.log(to: logger)
      logger.notice(
        "Configuration taken", metadata: ["reason": "\(reason)", "routes": .stringConvertible(taken.routes.count)])
      record(.taken, isAsked, warnings.map(\.description), in: gateway)
      ServiceNotification.tell(["READY=1", "STATUS=Listening on \(gateway.listenAddresses)"])
    } catch {
      gateway.meters.reloadsRefused.add()
      let faults = (error as? ConfigurationFaults)?.faults ?? []
      for fault in faults {
        logger.error(
          "Configuration not taken: the gateway goes on with the one before",
          metadata: [
            "reason": "\(reason)", "at": "\(fault.position)", "error": "\(fault.message)", "hint": "\(fault.hint)",
          ])
      }
      let words = faults.isEmpty ? [FailureDescription.of(error)] : faults.map(\.description)
      if faults.isEmpty {
        logger.error(
          "Configuration not taken: the gateway goes on with the one before",
          metadata: ["reason": "\(reason)", "error": "\(words[0])"])
      }
      record(.refused, isAsked, words, in: gateway)
      // The manager knows no word for a reload that failed but this.
      ServiceNotification.tell(["READY=1", "STATUS=Reload failed: \(words[0].prefix { $0 != "\n" })"])
    }
  }

  private func record(
    _ outcome: ReloadRecord.Outcome, _ isAsked: Bool, _ words: [String], in gateway: RunningGateway
  ) {
    ReloadRecord(number: state.withLock { $0.number }, outcome: outcome, isAsked: isAsked, words: words)
      .write(in: gateway.configuration.state)
  }
}

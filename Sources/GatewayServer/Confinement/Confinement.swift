package import ConfigurationReading
import Forwarders
package import Logging
import OperatingSystem

/// What a gateway gives up before it takes the first connection: another user's rights, and all places and ports that it
/// does not need.
package struct Confinement: Sendable {
  private let outcome: Outcome
  private let user: String?

  private enum Outcome {
    case off
    case missing
    case confined(Landlock.Extent, to: ReachablePlaces)
  }

  /// Becomes the configuration's `user`, where it has one. What was read before has to be read again: what that user may
  /// read is what counts, now and at a reload.
  ///
  /// - Returns: whether the process is another user's from now on.
  /// - Throws: what keeps it from that.
  package static func becomeUser(_ configuration: Configuration) throws(ConfigurationFaults) -> Bool {
    guard let name = configuration.user else { return false }
    guard let user = ServiceUser(name: name) else {
      throw fault(
        "`user`: this machine has no user `\(name)`, or it is the superuser", configuration,
        hint: "make it: `useradd --system \(name)`", at: configuration.origin.user)
    }
    guard !user.isCurrent else { return false }
    do throws(ServiceUser.Failure) {
      try user.become(mayListenBelow1024: configuration.listensBelow1024)
    } catch {
      throw fault(
        "`user`: the gateway cannot become `\(name)`: \(error.cause)", configuration,
        hint: "start it as root, or as `\(name)`", at: configuration.origin.user)
    }
    return true
  }

  /// Confines the process. It has to be called before there is a second thread, since the kernel confines threads.
  ///
  /// - Throws: what keeps it from that, where the configuration demands it; what a start would not get over either.
  package static func begin(_ configuration: Configuration) throws(ConfigurationFaults) -> Confinement {
    PrivateMemory.begin()
    guard configuration.landlock != .off else { return Confinement(outcome: .off, user: configuration.user) }
    // Whatever keeps the gateway from starting keeps it from making anything.
    _ = try Preparation(configuration)
    try makeFolders(configuration)
    let reach = ReachablePlaces(configuration)
    do throws(Landlock.Failure) {
      let extent = try Landlock.restrict(to: reach.places, reach.ports)
      return Confinement(outcome: .confined(extent, to: reach), user: configuration.user)
    } catch {
      switch error {
      case .missing where configuration.landlock == .automatic:
        return Confinement(outcome: .missing, user: configuration.user)
      case .missing:
        throw fault(
          "`landlock: required`, and this kernel has no Landlock, or was started without it", configuration,
          hint: "start the kernel with `lsm=landlock,...`, or write `landlock: auto`", at: configuration.origin.landlock
        )
      case .system(let call, let cause):
        throw fault(
          "the gateway cannot confine itself: \(call): \(cause)", configuration,
          hint: "write `landlock: off` to run without", at: configuration.origin.landlock)
      }
    }
  }

  /// For the line of a start.
  var word: String {
    switch outcome {
    case .off: "off"
    case .missing: "missing"
    case .confined(let extent, _): "\(extent.version)"
    }
  }

  /// Says what came of it.
  package func log(to logger: Logger) {
    switch outcome {
    case .off: logger.warning("Landlock is off: the gateway reaches whatever its user may reach")
    case .missing:
      logger.warning("This kernel has no Landlock: the gateway reaches whatever its user may reach")
    case .confined(let extent, _):
      if !extent.coversPorts {
        logger.notice("This kernel's Landlock knows no ports: the gateway may listen and connect anywhere")
      }
      logger.debug(
        "Gateway is confined to its own places",
        metadata: ["landlock": "\(extent.version)", "user": "\(user ?? "unchanged")"])
    }
  }

  /// Looks whether a running gateway can reach all that a configuration names.
  ///
  /// - Throws: what it cannot: what confines it stays as it was at the start.
  func check(_ configuration: Configuration) throws(ConfigurationFaults) {
    guard case .confined(_, let reach) = outcome else { return }
    let lacking = reach.lacks(for: ReachablePlaces(configuration))
    guard !lacking.isEmpty else { return }
    throw Self.unreachable(lacking, of: configuration)
  }

  /// A fault for each thing that is out of reach, at the first path that leads there.
  static func unreachable(_ lacking: [String], of configuration: Configuration) -> ConfigurationFaults {
    let origin = configuration.origin
    let faults = lacking.map { what in
      ConfigurationFault(
        .error, origin, "the running gateway is confined, and cannot reach \(what)",
        hint: "restart it, or write `landlock: off` before the next start",
        at: origin.paths.first { FilePlace.contains(what, FilePlace.canonical($0.path)) }?.place)
    }
    return ConfigurationFaults(faults, mainFile: origin.file)
  }

  /// They have to be there before the rules are made: a rule names a folder, not a path.
  private static func makeFolders(_ configuration: Configuration) throws(ConfigurationFaults) {
    do {
      // Stores that are not the ledger's, since a disk is not mounted: the start says so, and nothing is made.
      let folder = LedgerFolder(configuration)
      if folder.database != nil || FilePlace.identity(folder.ledgerPath) != nil { _ = try StoreClaims(configuration) }
    } catch is StoreMismatch {
      return
    } catch {
      // A ledger of an older release is read when the start has brought it up to date.
    }
    do {
      try StoreClaims.checkFirstStart(configuration)
      try LedgerFolder(configuration).make()
    } catch {
      throw StartFailure.faults(error, configuration, path: configuration.state)
    }
    for store in configuration.routes.compactMap(\.destination.store) {
      do {
        try StoreFolders.make(store.directory)
      } catch {
        throw StartFailure.faults(error, configuration, path: store.directory)
      }
    }
  }

  private static func fault(
    _ message: String, _ configuration: Configuration, hint: String, at place: Place?
  ) -> ConfigurationFaults {
    ConfigurationFaults(
      [ConfigurationFault(.error, configuration.origin, message, hint: hint, at: place)],
      mainFile: configuration.origin.file)
  }
}

extension Configuration {
  fileprivate var listensBelow1024: Bool {
    listeners.contains { listener in
      if case .address(let address) = listener.place { (1..<1024).contains(address.port) } else { false }
    }
  }
}

import ConfigurationReading
import Forwarders
import GatewayCore

/// What becomes of a running gateway's parts where it is given another configuration. Touches nothing.
struct ReloadPlan {
  /// Where a route's bytes go from then on.
  enum Step {
    /// Where they went before.
    case keep
    /// Into the same folder, under other terms.
    case store(DirectoryStore.Settings)
    /// To backends, by a new pipe, which knows the streams of the one before it if there was one.
    case pipe(PipeForwarder.Settings)
    /// To a place that the gateway has not had.
    case begin
  }

  /// What the gateway runs with from then on: what takes a restart is as it was.
  private(set) var configuration: Configuration
  /// For each route of ``configuration``, in its order.
  private(set) var steps: [Step] = []
  /// What takes a restart.
  private(set) var warnings: [ConfigurationFault] = []

  /// - Parameters:
  ///   - running: what the gateway runs with.
  ///   - destinations: all that it has forwarders for, by route, also those of routes that are configured no more.
  ///   - wanted: what it is to run with.
  /// - Throws: what cannot be without a restart, and what cannot be left out either.
  init(
    from running: Configuration, _ destinations: [String: Configuration.Destination], to wanted: Configuration
  ) throws(ConfigurationFaults) {
    configuration = wanted
    keepSettings(of: running)
    var faults: [ConfigurationFault] = []
    for index in configuration.routes.indices {
      let entry = configuration.routes[index]
      let next = step(for: entry, at: index, destinations[entry.route.path])
      steps.append(next)
      guard case .begin = next, let store = entry.destination.store,
        let owner = Self.owner(of: store.directory, among: destinations)
      else { continue }
      faults.append(
        ConfigurationFault(
          .error, configuration.origin,
          "`directory`: the running gateway has the folder of `\(owner)` there, and cannot give it to `\(entry.route.path)`",
          hint: "restart the gateway, or name another folder", at: configuration.origin.place(of: store.directory)))
    }
    guard faults.isEmpty else { throw ConfigurationFaults(faults, mainFile: configuration.origin.file) }
  }

  // MARK: Routes

  private mutating func step(
    for entry: Configuration.RouteEntry, at index: Int, _ former: Configuration.Destination?
  ) -> Step {
    switch (former, entry.destination) {
    case (nil, .directory): return .begin
    case (nil, .pipe(let settings)): return .pipe(settings)
    case (.directory(let old)?, .directory(var new)):
      guard FilePlace.canonical(old.directory) == FilePlace.canonical(new.directory) else { break }
      new.directory = old.directory
      configuration.routes[index].destination = .directory(new)
      return old == new ? .keep : .store(new)
    case (.pipe(let old)?, .pipe(let new)):
      // Its certificates may be others under the same names.
      return old == new && new.tls == nil ? .keep : .pipe(new)
    case (.pipe?, .directory), (.directory?, .pipe): break
    }
    guard let former else { return .begin }
    configuration.routes[index].destination = former
    let place = entry.destination.store.flatMap { configuration.origin.place(of: $0.directory) }
    warn("\(entry.route.path): where its uploads go", at: place)
    return .keep
  }

  private static func owner(
    of directory: String, among destinations: [String: Configuration.Destination]
  ) -> String? {
    let new = FilePlace.canonical(directory)
    return destinations.sorted { $0.key < $1.key }.first { _, destination in
      guard let old = destination.store.map({ FilePlace.canonical($0.directory) }) else { return false }
      return FilePlace.contains(old, new) || FilePlace.contains(new, old)
    }?.key
  }

  // MARK: Settings

  private mutating func keepSettings(of running: Configuration) {
    keep(\.name, "name", of: running)
    keep(\.listeners, "listen", of: running)
    keep(\.state, "state", of: running)
    keep(\.database, "ledger", of: running)
    keep(\.memory, "memory", of: running)
    keep(\.window, "window", of: running)
    keep(\.connections, "connections", of: running)
    keep(\.threads, "threads", of: running)
    keep(\.user, "user", of: running)
    keep(\.landlock, "landlock", of: running)
    keep(\.admin, "admin", of: running)
    keep(\.log.format, "log", of: running, called: "log.format")
  }

  private mutating func keep<Value: Equatable>(
    _ path: WritableKeyPath<Configuration, Value>, _ key: String, of running: Configuration, called name: String? = nil
  ) {
    guard configuration[keyPath: path] != running[keyPath: path] else { return }
    configuration[keyPath: path] = running[keyPath: path]
    // A key that was taken out stands nowhere.
    warn("`\(name ?? key)`", at: configuration.origin.keys[key])
  }

  private mutating func warn(_ what: String, at place: Place?) {
    warnings.append(
      ConfigurationFault(
        .warning, configuration.origin, "\(what) cannot change while the gateway runs: it stays as it was",
        hint: "restart the gateway to have it, or take the change back", at: place))
  }
}

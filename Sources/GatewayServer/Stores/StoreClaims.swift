import Forwarders
import FoundationEssentials
import GatewayCore

/// Holds the stores of a configuration against its ledger, before anything is made or removed in either.
struct StoreClaims {
  private let verdicts: [String: StoreJudge.Verdict]
  private let ledgerID: String
  private let folder: LedgerFolder
  private var ledgerPath: String { folder.shown }

  /// Looks at all stores where there is no ledger yet: what knows one says that its disk is not mounted.
  ///
  /// - Throws: ``StoreMismatch``; `SinkFailure` where a store cannot be looked at.
  static func checkFirstStart(_ configuration: Configuration) throws {
    let folder = LedgerFolder(configuration)
    // What a database has is seen when the ledger is open.
    guard folder.database == nil else { return }
    let path = folder.ledgerPath
    guard !FileManager.default.fileExists(atPath: path) else { return }
    _ = try verdicts(configuration, ledger: nil, path: path)
  }

  /// - Parameter paths: the routes whose stores are looked at; `nil` for all.
  /// - Throws: ``StoreMismatch``; `LedgerOpenError`, `LedgerError`; `SinkFailure` where a store cannot be looked at.
  init(_ configuration: Configuration, routes paths: Set<String>? = nil) throws {
    folder = LedgerFolder(configuration)
    let ledger = try folder.inspect()
    ledgerID = try ledger.ledgerID()
    verdicts = try Self.verdicts(configuration, routes: paths, ledger: ledger, path: folder.shown)
  }

  /// Throws where a route's store is not the one that its ledger knows.
  ///
  /// - Throws: ``StoreMismatch``; `LedgerError`; `SinkFailure`.
  static func checkIsThere(
    _ settings: DirectoryStore.Settings, of route: String, in configuration: Configuration,
    _ ledger: any LedgerInspection
  ) throws {
    let path = LedgerFolder(configuration).shown
    switch try verdict(on: settings, of: route, in: configuration, ledger: ledger, path: path) {
    case .known(_, isNoted: true): return
    case .mistaken(let mistake): throw StoreMismatch(mistakes: [mistake])
    case .known, .new:
      throw StoreMismatch(mistakes: [
        "the ledger \(path) does not know the store of \(route) yet: start the gateway once"
      ])
    }
  }

  private static func verdicts(
    _ configuration: Configuration, routes paths: Set<String>? = nil, ledger: (any LedgerInspection)?, path: String
  ) throws -> [String: StoreJudge.Verdict] {
    var verdicts: [String: StoreJudge.Verdict] = [:]
    var mistakes: [String] = []
    for entry in configuration.routes where paths?.contains(entry.route.path) ?? true {
      guard let settings = entry.destination.store else { continue }
      let verdict = try verdict(
        on: settings, of: entry.route.path, in: configuration, ledger: ledger, path: path)
      if case .mistaken(let mistake) = verdict { mistakes.append(mistake) }
      verdicts[entry.route.path] = verdict
    }
    guard mistakes.isEmpty else { throw StoreMismatch(mistakes: mistakes) }
    return verdicts
  }

  private static func verdict(
    on settings: DirectoryStore.Settings, of route: String, in configuration: Configuration,
    ledger: (any LedgerInspection)?,
    path: String
  ) throws -> StoreJudge.Verdict {
    let look = try settings.look()
    let judge = StoreJudge(
      route: route, directory: settings.directory, ledgerPath: path, ledgerID: try ledger?.ledgerID(),
      stores: try ledger?.stores() ?? [],
      routes: Set(configuration.routes.filter { $0.destination.store != nil }.map(\.route.path)))
    return judge.verdict(on: look, holding: try holdings(of: route, settings, look, ledger))
  }

  private static func holdings(
    of route: String, _ settings: DirectoryStore.Settings, _ look: StoreLook, _ ledger: (any LedgerInspection)?
  ) throws -> StoreJudge.Holdings {
    var holdings = StoreJudge.Holdings()
    var strangers = look.unfinished
    guard let ledger else {
      holdings.strangers = strangers.count
      return holdings
    }
    let open = try ledger.uploads(state: .open, route: route)
    holdings.hasAny = try !open.isEmpty || ledger.hasUploads(of: route)
    for upload in open where upload.committed > 0 && !look.unfinished.contains(upload.key.text) {
      if try !settings.isPresent(upload) { holdings.missing += 1 }
    }
    guard !strangers.isEmpty else { return holdings }
    // A route that is called otherwise now has its uploads under its former name.
    for upload in try ledger.uploads(state: .open, route: nil) { strangers.remove(upload.key.text) }
    holdings.strangers = strangers.count
    return holdings
  }

  // MARK: Making them known to each other

  /// Sees to it that a route's store and the ledger know each other, durably.
  ///
  /// - Returns: `false` where the disk is too full for a mark: the next start tries again.
  func introduce(_ store: DirectoryStore, _ settings: DirectoryStore.Settings, of route: String) throws -> Bool {
    switch verdicts[route] {
    case .known(let mark, let isNoted):
      store.isMarked(with: mark)
      if !isNoted { try note(mark, settings, of: route) }
    case .new, .mistaken, nil:
      let mark = StoreMark(ledger: ledgerID, route: route, ledgerPath: ledgerPath)
      do {
        // The mark first: a ledger that knows a store without one would take it for another.
        try store.mark(with: mark)
      } catch SinkFailure.full {
        return false
      }
      try note(mark, settings, of: route)
    }
    return true
  }

  private func note(_ mark: StoreMark, _ settings: DirectoryStore.Settings, of route: String) throws {
    try folder.correct().note(
      KnownStore(route: route, id: mark.id, directory: settings.directory))
  }
}

/// Stores that are not those that their ledger knows. Nothing was changed.
package struct StoreMismatch: Error, CustomStringConvertible {
  let mistakes: [String]

  /// What is wrong, where, and what to do.
  package var description: String { mistakes.joined(separator: "\n") }
}

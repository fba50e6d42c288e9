import Forwarders
import GatewayCore
import Ledgers

/// Makes a folder the store of a route from now on, whatever was known of either: by hand, after a store was lost, restored
/// or moved without its mark. Also while the gateway runs, which goes on with it then.
package struct StoreAdoption: Sendable {
  /// The folder.
  package let directory: String
  /// Whether there was nothing to do: ledger and store know each other.
  package let wasKnown: Bool
  /// Unfinished uploads of which bytes were safe, and are not there. They are kept until they expire.
  package let missing: Int
  /// Files of unfinished uploads that the ledger does not know. The next start removes them.
  package let strangers: Int

  /// - Throws: ``StoreAdoptionError`` for a route that has no store; `LedgerOpenError`, `LedgerError`, ``LedgerFolderError``;
  ///   `SinkFailure`, also where another gateway is using the folder.
  package init(_ configuration: Configuration, route: String) throws {
    guard let settings = configuration.routes.first(where: { $0.route.path == route })?.destination.store else {
      throw StoreAdoptionError(
        route: route, routes: configuration.routes.filter { $0.destination.store != nil }.map(\.route.path))
    }
    let folder = LedgerFolder(configuration)
    do {
      // Makes one where there is none, and brings an older one up to date.
      try folder.openLedger().close()
    } catch LedgerOpenError.locked {
      // The gateway runs, and has done so.
    }
    let ledger = try folder.inspect()
    let ledgerID = try ledger.ledgerID()
    let known = try ledger.stores().first { $0.route == route }
    let look = try settings.look()
    directory = settings.directory
    wasKnown = look.mark.map { $0.ledger == ledgerID && $0.id == known?.id } ?? false
    let open = try ledger.uploads(state: .open, route: nil)
    missing = try open.count {
      try $0.facts.route == route && $0.committed > 0 && !look.unfinished.contains($0.key.text)
        && !settings.isPresent($0)
    }
    strangers = look.unfinished.subtracting(open.map(\.key.text)).count
    guard !wasKnown else { return }
    var mark = StoreMark(ledger: ledgerID, route: route, ledgerPath: folder.shown)
    // A gateway that runs knows its store by the name that it has.
    if let known { mark.id = known.id }
    try settings.adopt(mark)
    try folder.correct().note(
      KnownStore(route: route, id: mark.id, directory: settings.directory))
  }
}

/// A route that cannot be given a store.
package struct StoreAdoptionError: Error, CustomStringConvertible {
  let route: String
  let routes: [String]

  /// What was wrong, and what to do.
  package var description: String {
    "no route \(route) has a store: name one of \(routes.isEmpty ? "those with `store`" : routes.joined(separator: ", "))"
  }
}

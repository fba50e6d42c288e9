import Forwarders
import GatewayCore
import Ledgers

/// Judges whether a route's folder is the store that the ledger knows. Has no I/O.
///
/// Each knows the other by a random name: the ledger the store by its mark, the mark its ledger. What does not fit is a
/// disk that is not mounted, a folder that was copied, or a mistake, and never an empty store.
struct StoreJudge {
  /// What the ledger has of one route's uploads.
  struct Holdings: Sendable {
    /// Unfinished or complete ones, or such as failed.
    var hasAny = false
    /// Keys of unfinished ones of which bytes are safe, and of which the store has no file.
    var missing = 0
    /// Files of unfinished uploads that the ledger does not know at all.
    var strangers = 0
  }

  enum Verdict: Equatable, Sendable {
    /// It is; where the ledger has it otherwise, that is to be noted.
    case known(StoreMark, isNoted: Bool)
    /// Nothing says that it is not: it gets a mark.
    case new
    /// What is wrong, for people.
    case mistaken(String)
  }

  var route: String
  var directory: String
  /// Where the ledger is.
  var ledgerPath: String
  /// `nil` where there is no ledger.
  var ledgerID: String?
  /// All that the ledger knows.
  var stores: [KnownStore] = []
  /// Of the routes that are configured and have a store.
  var routes: Set<String> = []

  private var known: KnownStore? { stores.first { $0.route == route } }

  func verdict(on look: StoreLook, holding: Holdings) -> Verdict {
    if let fault = look.markFault {
      return .mistaken("\(fault). If \(directory) is the store of \(route), say so: \(Self.adopt(route))")
    }
    guard let mark = look.mark else { return verdictWithoutMark(on: look, holding: holding) }
    guard mark.ledger == ledgerID else {
      return .mistaken(
        "\(directory), the store of \(route), belongs to another ledger than \(ledgerPath)"
          + (ledgerID == nil ? ", which is not there" : "")
          + (mark.ledgerPath.isEmpty ? "" : ": to the one that was at \(mark.ledgerPath)")
          + ". Mount the disk with the `state` folder, set `state` right, or stop the other gateway that uses the store. "
          + "If that ledger is gone, or this is to be the store of \(route) from now on, say so: \(Self.adopt(route))")
    }
    if let known {
      if known.id == mark.id { return .known(mark, isNoted: known.directory == directory) }
      return .mistaken(
        "\(directory) is a store of this gateway, but not the one of \(route), which was last at \(known.directory)"
          + otherRoute(of: mark) + ". Set `directory` right, or say that this is the store of \(route): "
          + Self.adopt(route))
    }
    if let other = stores.first(where: { $0.id == mark.id }) {
      guard !routes.contains(other.route) else {
        return .mistaken(
          "\(directory), the folder of \(route), is the store of \(other.route) or a copy of it. Give \(route) a folder "
            + "of its own, or say that this is its store: \(Self.adopt(route))")
      }
      // The route is called otherwise now.
      return .known(mark, isNoted: false)
    }
    guard holding.strangers == 0 else {
      return .mistaken(
        "\(directory), the store of \(route), has \(holding.strangers) unfinished upload(s) that the ledger "
          + "\(ledgerPath) does not know, and the ledger does not know the store: it is an older copy. Bring the newer one "
          + "back, or give the uploads up: \(Self.adopt(route))")
    }
    return .known(mark, isNoted: false)
  }

  private func verdictWithoutMark(on look: StoreLook, holding: Holdings) -> Verdict {
    if let known {
      // Its route was given another folder before it had an upload.
      if known.directory != directory, !holding.hasAny, look.unfinished.isEmpty { return .new }
      return .mistaken(
        "the store of \(route) is not there: \(directory) \(look.isStore ? "has no mark of the gateway's" : "is no store")"
          + ", and the ledger \(ledgerPath) has one"
          + (known.directory == directory ? " there" : " at \(known.directory)")
          + ". Mount its disk, or set `directory` right. If that store is gone, or this is to be it from now on, say so: "
          + Self.adopt(route))
    }
    // Neither knows of the other: a first start, or one after an older release, which marked nothing.
    if holding.hasAny, !look.isStore {
      return .mistaken(
        "the store of \(route) is not there: \(directory) is no store, and the ledger \(ledgerPath) has uploads of \(route). "
          + "Mount its disk, or set `directory` right. If that store is gone, say so: \(Self.adopt(route))")
    }
    if holding.missing > 0 {
      return .mistaken(
        "\(directory) is hardly the store of \(route): of \(holding.missing) unfinished upload(s) the ledger "
          + "\(ledgerPath) has safe bytes, and there is no file. Mount its disk, or set `directory` right. If the files are "
          + "gone, say so: \(Self.adopt(route))")
    }
    if holding.strangers > 0, !holding.hasAny {
      return .mistaken(
        "\(directory), the folder of \(route), has \(holding.strangers) unfinished upload(s), and the ledger "
          + "\(ledgerPath) knows none of \(route). Mount the disk with the `state` folder, or set `state` right. If that "
          + "ledger is gone, give the uploads up: \(Self.adopt(route))")
    }
    return .new
  }

  private func otherRoute(of mark: StoreMark) -> String {
    let route = stores.first { $0.id == mark.id }?.route ?? mark.route
    return route == self.route || route.isEmpty ? "" : "; it is that of \(route)"
  }

  /// What says that a folder is a route's store.
  static func adopt(_ route: String) -> String { "sluice store adopt --config FILE --route \(route)" }
}

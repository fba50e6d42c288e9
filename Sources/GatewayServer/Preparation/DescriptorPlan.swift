import Forwarders
import GatewayCore
import Ledgers
import OperatingSystem

/// How many file descriptors a gateway takes, and for how many connections they are enough.
///
/// Store and ledger come first: an upload that is under way has to be ended well, also while more clients knock than there
/// are descriptors for.
struct DescriptorPlan: Equatable {
  /// Of a connection with an upload: its socket, and a file or the backend's socket.
  static let ofConnection = 2
  // Listener, log, a name that is resolved, a sync, and what the process was started with beside the standard streams.
  private static let others = 12
  // The database, its log and its index with their shared memory, the lock, and a flush.
  private static let ofLedger = 8
  // Two folders, and the file and the folder of what is given its name.
  private static let ofStore = 4

  // Its input, two pipes, and the process.
  private static let ofCommand = 6

  /// What the process may have.
  let limit: Int
  /// What the gateway has before anybody connects, and keeps for store and ledger.
  let own: Int
  /// Event loop threads.
  let threads: Int
  /// Connections that there are descriptors for; below 1 there is no room for a gateway.
  let affordable: Int

  /// - Parameters:
  ///   - limit: see ``OperatingSystem/DescriptorLimit/current``.
  ///   - foreign: open already, for whatever purpose.
  init(_ configuration: Configuration, limit: Int, foreign: Int) {
    self.limit = limit
    // Many loops are worth little where there can be only few connections.
    threads =
      switch configuration.threads {
      case .automatic: max(1, min(configuration.threads.count, limit / 16))
      case .exactly(let count): count
      }
    let destinations = configuration.routes.reduce(0) { sum, route in
      switch route.destination {
      case .directory: sum + Self.ofStore
      // Each backend is tried now and then.
      case .pipe(let settings): sum + settings.backends.count
      }
    }
    let admin = configuration.admin == nil ? 0 : AdminListener.descriptors + AdminListener.most
    // One connection more is for the gateway's lease.
    let database = configuration.database.map { $0.connections + 1 } ?? 0
    let ofAll = admin + database + Self.others + Self.ofLedger
    let told =
      configuration.events.map { ($0.recipient, $0.terms.atOnce) }
      + configuration.routes.compactMap(\.onOpen).map { ($0.recipient, $0.atOnce) }
    // A connection and a file for each.
    let checks = configuration.routes.compactMap(\.holdUntil).reduce(0) { $0 + $1.atOnce * Self.ofCommand }
    let deliveries =
      checks
      + told.reduce(0) { sum, told in
        switch told.0 {
        case .command: sum + told.1 * Self.ofCommand
        case .server: sum + told.1
        }
      }
    own = foreign + ofAll + deliveries + threads * DescriptorLimit.ofEventLoop + destinations
    affordable = (limit - own) / Self.ofConnection
  }

  /// For so many connections.
  func needed(for connections: Int) -> Int { own + connections * Self.ofConnection }
}

package import GatewayCore
package import Logging

/// What the records of one connection have in common. Put together when one is written, which for most connections is
/// never.
package final class ConnectionLabel {
  /// Where the client is.
  package var peer = "unknown"
  private let now: @Sendable () -> WallTime
  private lazy var id = UploadKey.mint(at: now()).logID

  /// - Parameter now: only says which connections are near each other.
  package init(now: @escaping @Sendable () -> WallTime) {
    self.now = now
  }

  /// A record's metadata: its own, and the connection's.
  package func metadata(_ own: Logger.Metadata = [:]) -> Logger.Metadata {
    own.merging(["connection": "\(id)", "peer": "\(peer)"]) { own, _ in own }
  }
}

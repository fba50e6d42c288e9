import Forwarders
import GatewayCore
import Metrics

/// Measures a store's disk, on whatever thread it is used.
final class StoreMeters: StoreObserver {
  let syncs = Buckets(StoreMeters.diskTimes)
  let files = Buckets(StoreMeters.groupSizes)
  let waits = Buckets(.seconds([0.1, 0.5, 1, 5, 10, 50, 100, 500, 1e3, 5e3]))
  let refusals = Counter()

  /// From a fast disk's sync to a broken one's.
  static let diskTimes = Buckets.Scale.seconds(
    [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3])
  /// What is done together.
  static let groupSizes = Buckets.Scale.plain([1, 2, 4, 8, 16, 32, 64, 128, 256, 512])

  func syncFinished(after duration: Duration, files: Int) {
    syncs.add(duration)
    self.files.add(Int64(files))
  }

  func jobWaited(_ duration: Duration) { waits.add(duration) }

  func spaceRefused(_ request: SpaceRequest) { refusals.add() }
}

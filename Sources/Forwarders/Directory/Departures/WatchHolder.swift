internal import Synchronization

/// The one watch of a store's folder, which its successors under other terms share.
final class WatchHolder: Sendable {
  private let watch = Mutex<DepartureWatch?>(nil)

  /// Begins to watch, unless that was done before.
  func begin(_ make: () -> DepartureWatch?) {
    watch.withLock { $0 = $0 ?? make() }
  }

  func end() {
    watch.withLock { watch in
      watch?.stop()
      watch = nil
    }
  }
}

import Forwarders
import Metrics

/// Counts what a pipe's backends do, on whatever event loop it happens.
final class BackendMeters: BackendObserver {
  /// One backend's.
  struct Backend: Sendable {
    let address: BackendAddress
    let opened = Counter()
    let failed = Counter()
    let times = Buckets(.seconds([0.1, 0.5, 1, 5, 10, 50, 100, 500, 1e3, 5e3, 1e4]))
  }

  /// In the order of the configuration.
  let backends: [Backend]

  init(_ addresses: [BackendAddress]) {
    backends = addresses.map { Backend(address: $0) }
  }

  func opened(_ backend: BackendAddress, after duration: Duration) {
    guard let backend = find(backend) else { return }
    backend.opened.add()
    backend.times.add(duration)
  }

  func unreachable(_ backend: BackendAddress, after duration: Duration) { find(backend)?.failed.add() }

  // Once for each new upload, among a few.
  private func find(_ address: BackendAddress) -> Backend? { backends.first { $0.address == address } }
}

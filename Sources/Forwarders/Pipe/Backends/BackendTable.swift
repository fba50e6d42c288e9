internal import GatewayCore
internal import Synchronization

/// The pool, shared by all event loops.
final class BackendTable: Sendable {
  private let pool: Mutex<BackendPool>
  private let onChange: @Sendable (BackendAddress, _ isUp: Bool) -> Void

  init(
    _ addresses: [BackendAddress], balance: PipeForwarder.Balance,
    onChange: @escaping @Sendable (BackendAddress, _ isUp: Bool) -> Void
  ) {
    pool = Mutex(BackendPool(addresses, balance: balance))
    self.onChange = onChange
  }

  func candidates(for key: UploadKey) -> [BackendAddress] {
    pool.withLock { $0.candidates(for: key) }
  }

  var backends: [(address: BackendAddress, isUp: Bool, uploads: Int)] {
    pool.withLock { $0.all }
  }

  func began(_ address: BackendAddress) {
    pool.withLock { $0.began(address) }
  }

  func ended(_ address: BackendAddress) {
    pool.withLock { $0.ended(address) }
  }

  func mark(_ address: BackendAddress, isUp: Bool) {
    let isNews = pool.withLock { $0.mark(address, isUp: isUp) }
    if isNews { onChange(address, isUp) }
  }
}

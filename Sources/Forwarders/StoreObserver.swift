package import GatewayCore
internal import Glibc

/// Hears how a store's disk does. Called on any thread, often: it must not block.
package protocol StoreObserver: Sendable {
  /// A sync of so many files has ended, well or not.
  func syncFinished(after duration: Duration, files: Int)

  /// A job for a store thread has waited so long for one.
  func jobWaited(_ duration: Duration)

  /// An upload was refused the space that it asked for: not a byte was reserved.
  func spaceRefused(_ request: SpaceRequest)
}

extension Optional where Wrapped == any StoreObserver {
  /// Tells how long a sync of so many files takes. Without an observer no clock is read.
  ///
  /// - Parameter sync: may leave `errno`, which is kept.
  func timingSync<Outcome>(files: Int = 1, _ sync: () -> Outcome) -> Outcome {
    guard let self else { return sync() }
    let begin = ContinuousClock.now
    let outcome = sync()
    let code = errno
    self.syncFinished(after: .now - begin, files: files)
    errno = code
    return outcome
  }
}

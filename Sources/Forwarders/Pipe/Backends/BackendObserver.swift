/// Hears how a pipe's backends do. Called on any event loop, once or more for each upload: it must not block.
package protocol BackendObserver: Sendable {
  /// A backend took a new upload: it was connected to, with TLS where that is wanted, in so long a time.
  func opened(_ backend: BackendAddress, after duration: Duration)

  /// A backend could not be reached for a new upload; the next one is tried.
  func unreachable(_ backend: BackendAddress, after duration: Duration)
}

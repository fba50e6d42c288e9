internal import Synchronization

/// A server's current context, which a reload replaces in one step.
///
/// Each connection keeps the context that it began with to its end. Tickets belong to their context as well: a client
/// that shows one of an earlier context makes a full handshake.
public final class PublishedTLSContext: TLSContextSource {
  private let current: Mutex<TLSContext>

  /// Begins with `context`, which must be a server's.
  public init(_ context: TLSContext) {
    precondition(context.role == .server, "only a server's context can be published")
    current = Mutex(context)
  }

  /// From now on new connections are served with `context`, which must be a server's. Any thread may call this.
  public func publish(_ context: TLSContext) {
    precondition(context.role == .server, "only a server's context can be published")
    current.withLock { $0 = context }
  }

  /// What was published last.
  public func contextForConnection() -> TLSContext { current.withLock { $0 } }
}

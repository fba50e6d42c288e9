import NIOCore
import Synchronization

/// Knows which uploads a connection of this process is attached to, and sees to it that there is never more than one
/// for a key: a newer connection waits until the older one has settled and let go.
final class AttachmentRegistry: Sendable {
  /// What a connection asks for.
  struct Wish: Sendable {
    let key: UploadKey
    /// The route's path.
    let route: String
    /// ``ClientIdentity/subject``.
    let subject: String
    /// The most keys of the route that may be attached at once.
    var limit = Int.max
    /// The same for those of the client on the route.
    var clientLimit = Int.max
    /// How long the upload is kept when nobody is attached to it, in milliseconds; 0 where the hold changes nothing of that.
    var keptFor: Int64 = 0

    fileprivate var client: Client { Client(route: route, subject: subject) }
  }

  fileprivate struct Client: Hashable {
    let route: String
    let subject: String
  }

  /// One connection's hold on a key.
  struct Attachment: Hashable, Sendable {
    let key: UploadKey
    fileprivate let number: UInt64
  }

  private struct Holder {
    let attachment: Attachment
    let client: Client
    let keptFor: Int64
    /// Asks the holder to settle and detach; called once, from any thread.
    let yield: @Sendable () -> Void
  }

  private struct Slot {
    var holder: Holder
    var waiter: (holder: Holder, ready: EventLoopPromise<Attachment>)?
  }

  private struct State {
    var slots: [UploadKey: Slot] = [:]
    var countByRoute: [String: Int] = [:]
    /// One that waits for its own client's key is counted with it; one that waits for another address's is counted from
    /// the start.
    var countByClient: [Client: Int] = [:]
    var lastNumber: UInt64 = 0

    mutating func count(_ client: Client, _ change: Int) {
      let count = countByClient[client, default: 0] + change
      countByClient[client] = count == 0 ? nil : count
    }
  }

  private let state = Mutex(State())

  /// Takes the key; where another holds it, asks that one to yield and waits for it.
  ///
  /// - Parameter yield: asks this holder in turn to settle and detach, because a newer one wants the key. A key that is
  ///   already attached counts once.
  /// - Returns: fails with ``Refusal/busy`` above a limit, and with ``Refusal/superseded`` where a still newer
  ///   connection came while this one waited.
  func attach(
    _ wish: Wish, on eventLoop: any EventLoop, yield: @escaping @Sendable () -> Void
  ) -> EventLoopFuture<Attachment> {
    let ready = eventLoop.makePromise(of: Attachment.self)
    enum Outcome {
      case attached(Attachment)
      case busy
      case waits(holder: @Sendable () -> Void, displaced: EventLoopPromise<Attachment>?)
    }
    let outcome = state.withLock { state -> Outcome in
      state.lastNumber += 1
      let client = wish.client
      let holder = Holder(
        attachment: Attachment(key: wish.key, number: state.lastNumber), client: client, keptFor: wish.keptFor,
        yield: yield)
      let slot = state.slots[wish.key]
      let isCounted = slot.map { $0.holder.client == client || $0.waiter?.holder.client == client } ?? false
      guard isCounted || state.countByClient[client, default: 0] < wish.clientLimit else { return .busy }
      if let slot {
        if let displaced = slot.waiter?.holder.client, displaced != slot.holder.client { state.count(displaced, -1) }
        if client != slot.holder.client { state.count(client, 1) }
        state.slots[wish.key]?.waiter = (holder, ready)
        return .waits(holder: slot.holder.yield, displaced: slot.waiter?.ready)
      }
      let count = state.countByRoute[wish.route, default: 0]
      guard count < wish.limit else { return .busy }
      state.countByRoute[wish.route] = count + 1
      state.count(client, 1)
      state.slots[wish.key] = Slot(holder: holder, waiter: nil)
      return .attached(holder.attachment)
    }
    switch outcome {
    case .attached(let attachment): ready.succeed(attachment)
    case .busy: ready.fail(Refusal.busy(retryAfter: 5))
    case .waits(let yieldHolder, let displaced):
      displaced?.fail(Refusal.superseded)
      if displaced == nil { yieldHolder() }
    }
    return ready.futureResult
  }

  /// Lets go; whoever waits is next. Twice does nothing.
  func detach(_ attachment: Attachment) {
    let next = state.withLock { state -> (EventLoopPromise<Attachment>, Attachment)? in
      guard let slot = state.slots[attachment.key], slot.holder.attachment == attachment else { return nil }
      if let waiter = slot.waiter {
        if waiter.holder.client != slot.holder.client { state.count(slot.holder.client, -1) }
        state.slots[attachment.key]?.holder = waiter.holder
        state.slots[attachment.key]?.waiter = nil
        return (waiter.ready, waiter.holder.attachment)
      }
      state.slots[attachment.key] = nil
      let route = slot.holder.client.route
      let count = state.countByRoute[route, default: 1] - 1
      state.countByRoute[route] = count == 0 ? nil : count
      state.count(slot.holder.client, -1)
      return nil
    }
    if let (ready, attachment) = next { ready.succeed(attachment) }
  }

  /// The keys that a connection is attached to, or waits for, each with how long the upload is kept without one, in
  /// milliseconds.
  var attachedKeys: [UploadKey: Int64] {
    state.withLock { $0.slots.mapValues(\.holder.keptFor) }
  }

  /// How many clients have an upload attached.
  var clientCount: Int {
    state.withLock { $0.countByClient.count }
  }

  /// How many uploads are attached, by route.
  var attachedByRoute: [String: Int] {
    state.withLock { $0.countByRoute }
  }
}

import NIOCore
import Synchronization

/// Knows which uploads a connection of this process is attached to, and sees to it that there is never more than one
/// for a key: a newer connection waits until the older one has settled and let go.
final class AttachmentRegistry: Sendable {
  /// One connection's hold on a key.
  struct Attachment: Hashable, Sendable {
    let key: UploadKey
    fileprivate let number: UInt64
  }

  private struct Holder {
    let attachment: Attachment
    /// Asks the holder to settle and detach; called once, from any thread.
    let yield: @Sendable () -> Void
  }

  private struct Slot {
    let route: String
    var holder: Holder
    var waiter: (holder: Holder, ready: EventLoopPromise<Attachment>)?
  }

  private struct State {
    var slots: [UploadKey: Slot] = [:]
    var countByRoute: [String: Int] = [:]
    var lastNumber: UInt64 = 0
  }

  private let state = Mutex(State())

  /// Takes the key; where another holds it, asks that one to yield and waits for it.
  ///
  /// - Parameters:
  ///   - limit: the most keys of the route that may be attached at once; one that is already attached counts once.
  ///   - yield: asks this holder in turn to settle and detach, because a newer one wants the key.
  /// - Returns: fails with ``Refusal/busy`` above the limit, and with ``Refusal/superseded`` where a still newer
  ///   connection came while this one waited.
  func attach(
    _ key: UploadKey, route: String, limit: Int, on eventLoop: any EventLoop, yield: @escaping @Sendable () -> Void
  ) -> EventLoopFuture<Attachment> {
    let ready = eventLoop.makePromise(of: Attachment.self)
    enum Outcome {
      case attached(Attachment)
      case busy
      case waits(holder: @Sendable () -> Void, displaced: EventLoopPromise<Attachment>?)
    }
    let outcome = state.withLock { state -> Outcome in
      state.lastNumber += 1
      let holder = Holder(attachment: Attachment(key: key, number: state.lastNumber), yield: yield)
      if let slot = state.slots[key] {
        state.slots[key]?.waiter = (holder, ready)
        return .waits(holder: slot.holder.yield, displaced: slot.waiter?.ready)
      }
      let count = state.countByRoute[route, default: 0]
      guard count < limit else { return .busy }
      state.countByRoute[route] = count + 1
      state.slots[key] = Slot(route: route, holder: holder, waiter: nil)
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
        state.slots[attachment.key]?.holder = waiter.holder
        state.slots[attachment.key]?.waiter = nil
        return (waiter.ready, waiter.holder.attachment)
      }
      state.slots[attachment.key] = nil
      let count = state.countByRoute[slot.route, default: 1] - 1
      state.countByRoute[slot.route] = count == 0 ? nil : count
      return nil
    }
    if let (ready, attachment) = next { ready.succeed(attachment) }
  }

  /// The keys that a connection is attached to, or waits for.
  var attachedKeys: Set<UploadKey> {
    state.withLock { Set($0.slots.keys) }
  }

  /// How many uploads are attached, by route.
  var attachedByRoute: [String: Int] {
    state.withLock { $0.countByRoute }
  }
}

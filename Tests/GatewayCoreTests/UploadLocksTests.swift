import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

@Suite("The registry of attachments")
struct AttachmentRegistryTests {
  private let registry = UploadLocks()
  private let loop = EmbeddedEventLoop()
  private let key = UploadKey.mint()

  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.add(1, ordering: .relaxed) }
  }

  private final class Attempt {
    var result: Result<UploadLocks.Lock, any Error>?
    let yields = Counter()
    var attachment: UploadLocks.Lock? { try? result?.get() }
    var refusal: Refusal? {
      if case .failure(let error) = result { error as? Refusal } else { nil }
    }
  }

  private func attempt(
    _ key: UploadKey, limit: Int = 10, client: String = "a", clientLimit: Int = 10
  ) -> Attempt {
    let attempt = Attempt()
    let yields = attempt.yields
    let wish = UploadLocks.Request(
      key: key, route: "/a", subject: client, limit: limit, clientLimit: clientLimit)
    registry.attach(wish, on: loop, yield: { yields.add() })
      .assumeIsolated().whenComplete { attempt.result = $0 }
    return attempt
  }

  @Test("gives a free key at once, and counts it until it is let go")
  func free() throws {
    let first = attempt(key)
    let attachment = try #require(first.attachment)
    #expect(registry.attachedByRoute == ["/a": 1])
    #expect(Set(registry.attachedKeys.keys) == [key])
    registry.detach(attachment)
    registry.detach(attachment)
    #expect(registry.attachedByRoute.isEmpty)
    #expect(registry.attachedKeys.isEmpty)
  }

  @Test("asks the holder to yield once, and gives the key to the newest that waits")
  func takeover() throws {
    let first = attempt(key)
    let second = attempt(key)
    #expect(first.yields.count == 1)
    #expect(second.result == nil)
    let third = attempt(key)
    #expect(first.yields.count == 1, "it was asked already")
    #expect(second.refusal == .superseded)
    registry.detach(try #require(first.attachment))
    #expect(third.attachment != nil)
    #expect(registry.attachedByRoute == ["/a": 1])
    let fourth = attempt(key)
    #expect(third.yields.count == 1)
    registry.detach(try #require(third.attachment))
    registry.detach(try #require(fourth.attachment))
    #expect(registry.attachedByRoute.isEmpty)
  }

  @Test("does not let an old holder's second word free the key of the next")
  func lateDetach() throws {
    let first = attempt(key)
    let second = attempt(key)
    let old = try #require(first.attachment)
    registry.detach(old)
    registry.detach(old)
    #expect(Set(registry.attachedKeys.keys) == [key])
    registry.detach(try #require(second.attachment))
    #expect(registry.attachedKeys.isEmpty)
  }

  @Test("refuses more keys of a route than may be attached, but not a takeover")
  func busy() throws {
    let first = attempt(key, limit: 1)
    let other = attempt(UploadKey.mint(), limit: 1)
    #expect(other.refusal == .busy(retryAfter: 5))
    let takeover = attempt(key, limit: 1)
    #expect(takeover.result == nil)
    registry.detach(try #require(first.attachment))
    registry.detach(try #require(takeover.attachment))
    let again = attempt(UploadKey.mint(), limit: 1)
    #expect(again.attachment != nil)
  }

  @Test("refuses more keys of a client than may be attached, but not another's, nor a takeover by itself")
  func busyClient() throws {
    let first = attempt(key, client: "a", clientLimit: 1)
    #expect(attempt(.mint(), client: "a", clientLimit: 1).refusal == .busy(retryAfter: 5))
    let other = attempt(.mint(), client: "b", clientLimit: 1)
    #expect(other.attachment != nil)
    let takeover = attempt(key, client: "a", clientLimit: 1)
    #expect(takeover.result == nil)
    registry.detach(try #require(first.attachment))
    #expect(attempt(.mint(), client: "a", clientLimit: 1).refusal != nil)
    registry.detach(try #require(takeover.attachment))
    let again = attempt(.mint(), client: "a", clientLimit: 1)
    registry.detach(try #require(again.attachment))
    registry.detach(try #require(other.attachment))
    #expect(registry.clientCount == 0)
  }

  @Test("counts a key that passes from one address to another with each in turn, waiting ones too")
  func movingClient() throws {
    let first = attempt(key, client: "a", clientLimit: 1)
    let second = attempt(key, client: "b", clientLimit: 1)
    #expect(attempt(.mint(), client: "b", clientLimit: 1).refusal == .busy(retryAfter: 5), "it waits already")
    let third = attempt(key, client: "c", clientLimit: 1)
    #expect(second.refusal == .superseded)
    let freed = attempt(.mint(), client: "b", clientLimit: 1)
    #expect(freed.attachment != nil, "the one that waited is gone")
    registry.detach(try #require(first.attachment))
    #expect(third.attachment != nil)
    let away = attempt(.mint(), client: "a", clientLimit: 1)
    #expect(away.attachment != nil, "its key is another's now")
    #expect(attempt(.mint(), client: "c", clientLimit: 1).refusal != nil)
    for attempt in [freed, third, away] { registry.detach(try #require(attempt.attachment)) }
    #expect(registry.clientCount == 0)
    #expect(registry.attachedByRoute.isEmpty)
  }
}

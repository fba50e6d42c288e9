import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import GatewayCore

@Suite("A route's judge of new uploads") struct OpeningJudgeTests {
  /// Answers at once, by the upload's label.
  private final class TestJudge: OpeningJudge {
    let asked = Mutex<[String?]>([])

    func judge(_ opening: Opening, on eventLoop: any EventLoop) -> EventLoopFuture<OpeningWish> {
      asked.withLock { $0.append(opening.facts.label) }
      switch opening.facts.label {
      case "unwanted": return eventLoop.makeFailedFuture(Refusal.declined)
      case "other":
        return eventLoop.makeSucceededFuture(OpeningWish(label: "mine", client: "team", folders: ["a", "b"]))
      default: return eventLoop.makeSucceededFuture(OpeningWish())
      }
    }
  }

  private let loop = EmbeddedEventLoop()
  private let judge = TestJudge()
  private let fixture: GatewayFixture

  init() {
    fixture = GatewayFixture(
      access: .anyone, clientLimits: ClientLimits(held: 1000), judge: judge)
  }

  private func open(_ label: String?, total: Int64 = 400) throws -> TestFront {
    let front = try fixture.open(fixture.request(total: total, label: label), on: loop)
    loop.run()
    return front
  }

  @Test("refuses one with its only answer, and nothing is recorded or reserved") func refuses() throws {
    let front = try open("unwanted")
    #expect(front.said == ["refused declined"])
    #expect(!fixture.ledger.calls.contains(.open))
    #expect(fixture.forwarder.reserved.isEmpty)
    #expect(try open("wanted").offer != nil)
  }

  @Test("names the file, whose quotas count, and the folder, also for those who go on with the upload")
  func wishes() throws {
    let front = try open("other")
    let key = try #require(front.offer?.key)
    let record = try #require(fixture.ledger.uploads[key])
    #expect(record.facts.label == "mine" && record.facts.subject == "named:team")
    #expect(record.facts.owner.isEmpty, "whose it is does not change")
    #expect(fixture.forwarder.folders == [key: ["a", "b"]])
    front.upload?.leave()
    loop.run()
    let again = try fixture.resume(fixture.resumption(of: key), on: loop)
    loop.run()
    #expect(again.offer?.key == key)
    #expect(fixture.ledger.quotaSubjects == [["", "named:team"], ["", "named:team"]])
    #expect(judge.asked.withLock { $0 } == ["other"], "one that goes on is not asked about")
  }

  @Test("is not asked about what the route's rules forbid") func rulesFirst() throws {
    #expect(throws: Refusal.self) { try open("wanted", total: 1 << 40) }
    #expect(judge.asked.withLock { $0.isEmpty })
  }
}

import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("Bytes that a front has still to judge")
struct TentativeTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  private func opened(total: Int64 = 10_000) throws -> (front: TestFront, key: UploadKey) {
    var request = fixture.request(total: total, acknowledgeEvery: 1)
    request.transfer.isTentative = true
    let front = try fixture.open(request, on: loop)
    loop.run()
    return (front, try #require(front.offer?.key))
  }

  @Test("are not recorded while the client is quiet, and not when they are left")
  func left() throws {
    let (front, key) = try opened()
    front.write(4000)
    loop.advanceTime(by: .seconds(60))
    #expect(fixture.ledger.uploads[key]?.committed == 0)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 0")
    #expect(fixture.ledger.uploads[key]?.committed == 0)
    let next = try fixture.resume(fixture.resumption(of: key, offset: 0), on: loop)
    loop.run()
    #expect(next.said == ["offered 0..<10000"])
  }

  @Test("are recorded once they were judged to be right")
  func approved() throws {
    let (front, key) = try opened()
    front.write(4000)
    front.upload?.approve()
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 4000")
    #expect(fixture.ledger.uploads[key]?.committed == 4000)
  }

  @Test("complete an upload only after they were judged to be right")
  func completing() throws {
    let (front, key) = try opened(total: 4000)
    front.write(4000)
    front.upload?.approve()
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 4000")
    #expect(fixture.ledger.uploads[key]?.state == .done)
  }
}

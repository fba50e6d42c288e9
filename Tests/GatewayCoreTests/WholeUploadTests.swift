import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

@Suite("Uploads of clients that know no offer")
struct WholeUploadTests {
  private let loop = EmbeddedEventLoop()

  @Test("are taken whole or not at all, where their length is known")
  func allOrNothing() throws {
    let fixture = GatewayFixture(held: 1000)
    var request = fixture.request(total: 2000)
    request.understandsParts = false
    let front = try fixture.open(request, on: loop)
    loop.run()
    #expect(front.said == ["refused quota"])
    request.understandsParts = true
    let other = try fixture.open(request, on: loop)
    loop.run()
    #expect(other.said == ["offered 0..<1000"])
  }

  @Test("of unknown length reserve no more than the request can bring")
  func bounded() throws {
    let fixture = GatewayFixture()
    var request = fixture.request(total: nil, shape: .whole)
    request.atMost = 5000
    let front = try fixture.open(request, on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<5000"])
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 5000)
    front.write(300)
    front.upload?.finish()
    loop.run()
    #expect(front.last == "complete 300")
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
  }

  @Test("in one go leave nothing behind when they break off")
  func brokenOff() throws {
    let fixture = GatewayFixture()
    let front = try fixture.open(fixture.request(total: 5000, shape: .whole), on: loop)
    loop.run()
    let key = try #require(front.offer?.key)
    front.write(300)
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 0")
    #expect(fixture.ledger.uploads[key] == nil)
    #expect(fixture.ledger.reserved(GatewayFixture.path) == 0)
  }

  @Test("are gone on with without quota for more, where the connection brings nothing")
  func bringsNothing() throws {
    let fixture = GatewayFixture(held: 1000)
    var request = fixture.request(total: nil)
    request.atMost = 0
    request.transfer.bringsBytes = false
    let front = try fixture.open(request, on: loop)
    loop.run()
    #expect(front.said == ["offered 0..<0"])
    front.upload?.leave()
    loop.run()
    #expect(front.last == "suspended 0")
  }
}

@Suite("The status of an upload that a connection has")
struct SettledStatusTests {
  private let loop = EmbeddedEventLoop()
  private let fixture = GatewayFixture()

  private func settled(_ key: UploadKey, token: String? = nil) -> Result<UploadAccount, any Error>? {
    var found: Result<UploadAccount, any Error>?
    fixture.gateway.settledStatus(of: key, fixture.context(token: token), on: loop).assumeIsolated().whenComplete {
      found = $0
    }
    loop.run()
    return found
  }

  @Test("is told once what that connection brought is safe, and that connection loses it")
  func takesOver() throws {
    let front = try fixture.open(fixture.request(total: 10_000), on: loop)
    loop.run()
    let key = try #require(front.offer?.key)
    front.write(4000)
    #expect(try settled(key)?.get().safe == 4000)
    #expect(front.said.suffix(2) == ["superseded", "suspended 4000"])
  }

  @Test("is told at once of an upload that nobody has, and of one that is complete")
  func atOnce() throws {
    let front = try fixture.open(fixture.request(total: 400), on: loop)
    loop.run()
    let key = try #require(front.offer?.key)
    front.write(400)
    front.upload?.finish()
    loop.run()
    let account = try #require(try settled(key)?.get())
    #expect(account.state == .done && account.safe == 400)
  }

  @Test("is nobody's business where there is no such upload of the client")
  func unknown() {
    #expect(throws: Refusal.unknownUpload) { try settled(.mint())?.get() }
  }
}

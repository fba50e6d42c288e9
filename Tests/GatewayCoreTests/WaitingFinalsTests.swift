import Testing

@testable import GatewayCore

@Suite("The finals that wait for their parts")
struct WaitingFinalsTests {
  private let a = UploadKey.mint()
  private let b = UploadKey.mint()
  private let finals = (0..<6).map { _ in UploadKey.mint() }

  @Test("are looked at once when they come, and whenever a part changes")
  func due() {
    var waiting = WaitingFinals()
    waiting.add(finals[0], of: [a, b, a])
    #expect(waiting.next() == finals[0])
    #expect(waiting.next() == nil)
    waiting.looked(at: finals[0], postponing: false)
    #expect(waiting.next() == nil)
    #expect(waiting.changed(b) == true)
    #expect(waiting.next() == finals[0])
    waiting.looked(at: finals[0], postponing: false)
    #expect(waiting.changed(.mint()) == false)
    waiting.remove(finals[0])
    #expect(waiting.changed(a) == false)
    #expect(!waiting.want(a) && !waiting.has(finals[0]))
  }

  @Test("are looked at once more where a part changed meanwhile")
  func again() {
    var waiting = WaitingFinals()
    waiting.add(finals[0], of: [a])
    #expect(waiting.next() == finals[0])
    #expect(waiting.changed(a) == true)
    #expect(waiting.next() == nil, "not twice at once")
    waiting.looked(at: finals[0], postponing: false)
    #expect(waiting.next() == finals[0])
  }

  @Test("are tried again later where a reason may pass")
  func postponed() {
    var waiting = WaitingFinals()
    waiting.add(finals[0], of: [a])
    #expect(waiting.next() == finals[0])
    waiting.looked(at: finals[0], postponing: true)
    #expect(waiting.next() == nil)
    waiting.tryPostponedAgain()
    #expect(waiting.next() == finals[0])
  }

  @Test("are bounded in how many are worked on at once, and none is begun once the gateway goes away")
  func bounded() {
    var waiting = WaitingFinals()
    for key in finals { waiting.add(key, of: [a]) }
    for key in finals.prefix(WaitingFinals.mostAtOnce) { #expect(waiting.next() == key) }
    #expect(waiting.next() == nil)
    waiting.looked(at: finals[1], postponing: false)
    #expect(waiting.next() == finals[WaitingFinals.mostAtOnce])
    waiting.begin(UploadKey.mint(), of: [b])
    #expect(waiting.assembling.count == WaitingFinals.mostAtOnce + 1)
    waiting.looked(at: finals[0], postponing: false)
    waiting.stop()
    #expect(waiting.next() == nil)
  }
}

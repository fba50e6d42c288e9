import Testing

@testable import GatewayCore

@Suite("The uploads of a route that are connected")
struct ConnectedUploadsTests {
  @Test("are counted in all and by client, and no more than the limit")
  func counts() {
    let connected = ConnectedUploads()
    #expect(connected.add("a", limit: 2) && connected.add("b", limit: 2))
    #expect(!connected.add("a", limit: 2))
    #expect(connected.count == 2 && connected.count(of: "a") == 1 && connected.count(of: "c") == 0)
    connected.change("a", by: 1)
    #expect(connected.count == 2 && connected.count(of: "a") == 2 && connected.clientCount == 2)
    connected.change("a", by: -2)
    connected.remove("b")
    #expect(connected.count == 1 && connected.clientCount == 0)
  }
}

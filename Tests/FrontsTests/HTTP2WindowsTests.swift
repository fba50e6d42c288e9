import Testing

@testable import Fronts

struct HTTP2WindowsTests {
  @Test("as many connections get a wide window as a quarter of the memory has room for, and others when one ends")
  func bounded() throws {
    let windows = HTTP2Windows(memory: 2 * 4 * HTTP2Windows.wide * HTTP2Connection.streams)
    let permits = (0..<8).compactMap { _ in windows.take() }
    #expect(permits.count == 2)
    windows.giveBack(try #require(permits.first))
    #expect(windows.take() != nil)
    #expect(windows.take() == nil)
  }

  @Test("however little memory there is, one gets it")
  func atLeastOne() {
    let windows = HTTP2Windows(memory: 1)
    #expect(windows.take() != nil)
    #expect(windows.take() == nil)
  }
}

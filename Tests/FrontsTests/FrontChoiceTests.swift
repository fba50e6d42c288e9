import NIOCore
import Testing

@testable import Fronts

struct FrontChoiceTests {
  /// A front that knows its first bytes.
  private struct Named: Front {
    let name: String
    let opening: String
    var applicationProtocols: [String] { [name] }

    func recognises(_ firstBytes: ByteBufferView) -> Bool? {
      guard zip(firstBytes, opening.utf8).allSatisfy({ $0 == $1 }) else { return false }
      return firstBytes.count < opening.utf8.count ? nil : true
    }

    func install(on channel: any Channel, peer: ConnectionPeer) {}
  }

  private let choice = FrontChoice([Named(name: "a/1", opening: "alpha"), Named(name: "b/1", opening: "always")])

  private func name(_ front: (any Front)?) -> String? { front?.applicationProtocols.first }

  private func after(_ text: String) -> String? {
    name(choice.afterBytes(ByteBuffer(string: text).readableBytesView))
  }

  @Test("what was agreed on by ALPN is chosen at once")
  func byALPN() {
    #expect(name(choice.afterHandshake("b/1")) == "b/1")
    #expect(name(choice.afterHandshake("c/1")) == "a/1")
  }

  @Test("without ALPN the first bytes tell, unless there is only one front")
  func withoutALPN() {
    #expect(choice.afterHandshake(nil) == nil)
    #expect(name(FrontChoice([Named(name: "a/1", opening: "alpha")]).afterHandshake(nil)) == "a/1")
  }

  @Test("a front is chosen as soon as its bytes tell, and not before")
  func byBytes() {
    #expect(after("") == nil)
    #expect(after("al") == nil)
    #expect(after("alp") == nil)
    #expect(after("alpha") == "a/1")
    #expect(after("always and more") == "b/1")
  }

  @Test("the first front gets what nobody recognises")
  func unknown() {
    #expect(after("zebra") == "a/1")
  }

  @Test("it waits for no more bytes than there may be")
  func bounded() {
    let patient = FrontChoice([
      Named(name: "a/1", opening: "x"), Named(name: "b/1", opening: String(repeating: "y", count: 1000)),
    ])
    func after(_ count: Int) -> String? {
      name(patient.afterBytes(ByteBuffer(string: String(repeating: "y", count: count)).readableBytesView))
    }
    #expect(after(FrontChoice.mostBytes - 1) == nil)
    #expect(after(FrontChoice.mostBytes) == "a/1")
  }
}

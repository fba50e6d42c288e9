import GatewayCore
import Testing

@testable import Forwarders

@Suite("Space that is reserved")
struct ReservedSpaceTests {
  private func request(
    _ bytes: Int64, _ subject: String = "a", key: UploadKey = .mint(), takesPart: Bool = true
  ) -> SpaceRequest {
    SpaceRequest(key: key, bytes: bytes, takesPart: takesPart, subject: subject)
  }

  @Test("is all that is wanted, where that leaves an eighth to other clients")
  func whole() {
    let space = Space()
    #expect(space.reserve(request(875), free: 1000) == 875)
    #expect(space.outstanding == 875)
  }

  @Test("is half of the client's share where not all fits, so that its other uploads have some too")
  func part() {
    let space = Space()
    let free: Int64 = 800 << 20
    #expect(space.reserve(request(.max), free: free) == 350 << 20)
    #expect(space.reserve(request(.max), free: free) == 175 << 20)
    #expect(space.reserve(request(100 << 20), free: free) == 100 << 20)
    // Who wants all or nothing gets nothing.
    #expect(space.reserve(request(100 << 20, takesPart: false), free: free) == 0)
    #expect(space.outstanding == 625 << 20)
  }

  @Test("is not all in the hands of one client, however often that asks")
  func greedy() {
    let space = Space()
    let free: Int64 = 1 << 30
    for _ in 0..<12 { _ = space.reserve(request(.max, "greedy"), free: free) }
    let left = free - space.outstanding
    #expect(left >= free / 16)
    #expect(space.reserve(request(left / 2, "other"), free: free) == left / 2)
  }

  @Test("is never out for a small upload, whatever many clients have announced")
  func little() {
    let space = Space()
    let free: Int64 = 75 << 30
    for index in 0..<256 {
      _ = space.reserve(request(.max, "greedy \(index % 100)"), free: free)
      #expect(space.reserve(request(1 << 10, "small", key: .mint()), free: free) == 1 << 10)
    }
    #expect(space.outstanding <= free)
  }

  @Test("gives out the last bytes, and no more")
  func last() {
    let space = Space()
    #expect(space.reserve(request(1000), free: 60_000) == 1000)
    #expect(space.reserve(request(70_000, "b"), free: 60_000) == 57_344)
    #expect(space.reserve(request(59_000 - 57_344, "c"), free: 60_000) == 59_000 - 57_344)
    #expect(space.reserve(request(1, "d"), free: 60_000) == 0)
  }

  @Test("counts until bytes are in the file, or set aside there")
  func arrives() {
    let space = Space()
    let key = UploadKey.mint()
    #expect(space.reserve(request(1000, key: key), free: 1 << 20) == 1000)
    space.setAside(600, of: key)
    #expect(space.outstanding == 400 && space.arrived == 600)
    space.wrote(500, of: key)
    #expect(space.outstanding == 400 && space.arrived == 600)
    space.wrote(300, of: key)
    #expect(space.outstanding == 200 && space.arrived == 800)
    space.limit(to: 50, of: key)
    #expect(space.outstanding == 50)
    space.limit(to: 300, of: key)
    #expect(space.outstanding == 50)
    space.release(key)
    space.wrote(10, of: key)
    #expect(space.outstanding == 0 && space.arrived == 800)
  }

  /// A disk whose uploads come, write, vanish and end in any order, while other programs take of it.
  @Test("is there when its bytes come, and gone with the last upload", arguments: 0..<100 as Range<UInt64>)
  func walk(seed: UInt64) {
    var random = SplitMix(state: seed)
    let space = Space()
    var free = Int64.random(in: 0...(1 << 30), using: &random)
    var live: [(key: UploadKey, reserved: Int64, ahead: Int64)] = []
    for _ in 0..<500 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        let key = UploadKey.mint()
        let bytes = Int64(1) << Int64.random(in: 0...40, using: &random)
        let takesPart = Bool.random(using: &random)
        let request = request(
          bytes, "client \(Int.random(in: 0..<5, using: &random))", key: key, takesPart: takesPart)
        let granted = space.reserve(request, free: free)
        #expect(granted <= bytes && (takesPart || granted == 0 || granted == bytes))
        if granted > 0 { live.append((key, granted, 0)) }
      case 4..<6:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let step = min(live[index].reserved, Int64.random(in: 0...(1 << 22), using: &random))
        live[index].reserved -= step
        live[index].ahead += step
        free -= step
        space.setAside(step, of: live[index].key)
      case 6..<8:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let most = live[index].reserved + live[index].ahead
        let count = min(most, Int64.random(in: 0...(1 << 22), using: &random))
        let filled = min(count, live[index].ahead)
        live[index].ahead -= filled
        live[index].reserved -= count - filled
        free -= count - filled
        space.wrote(count, of: live[index].key)
      case 8:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let (key, _, ahead) = live.remove(at: index)
        free += ahead
        space.release(key)
      default:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let bytes = Int64.random(in: 1...(1 << 22), using: &random)
        live[index].reserved = min(live[index].reserved, bytes)
        space.limit(to: bytes, of: live[index].key)
      }
      #expect(space.outstanding == live.reduce(0) { $0 + $1.reserved })
      #expect(space.outstanding <= free)
    }
    for (key, _, _) in live { space.release(key) }
    #expect(space.outstanding == 0)
    #expect(space.reserve(request(64 << 10), free: 64 << 10) == 64 << 10)
  }
}

extension SplitMix: RandomNumberGenerator {}

/// What an expectation may change while it looks.
private final class Space {
  private var space = ReservedSpace()
  var outstanding: Int64 { space.outstanding }
  var arrived: Int64 { space.arrived }

  func reserve(_ request: SpaceRequest, free: Int64) -> Int64 { space.reserve(request, free: free) }
  func limit(to bytes: Int64, of key: UploadKey) { space.limit(to: bytes, of: key) }
  func setAside(_ count: Int64, of key: UploadKey) { space.setAside(count, of: key) }
  func wrote(_ count: Int64, of key: UploadKey) { space.wrote(count, of: key) }
  func release(_ key: UploadKey) { space.release(key) }
}

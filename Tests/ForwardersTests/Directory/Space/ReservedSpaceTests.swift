import GatewayCore
import Testing

@testable import Forwarders

@Suite("Space that is reserved")
struct ReservedSpaceTests {
  private func request(
    _ bytes: Int64, _ subject: String = "a", key: UploadKey = .mint(), takesPart: Bool = true, share: Int = 100,
    isGrowth: Bool = false
  ) -> SpaceRequest {
    SpaceRequest(
      key: key, bytes: bytes, takesPart: takesPart, subject: subject, share: share, isGrowth: isGrowth)
  }

  @Test("is all that is wanted, where that is within the client's share of what others leave")
  func whole() {
    let space = Space()
    #expect(space.reserve(request(250, share: 25), free: 1000) == .success(250))
    #expect(space.outstanding == 250)
    let free: Int64 = 800 << 20
    let other = Space()
    #expect(other.reserve(request(200 << 20, share: 25), free: free) == .success(200 << 20))
    #expect(other.reserve(request(150 << 20, "b", share: 25), free: free) == .success(150 << 20))
    #expect(other.reserve(request(1, "b", takesPart: false, share: 25), free: free) == .failure(.share))
  }

  @Test("is half of what is left of the client's share where not all fits, so that its other uploads have some too")
  func part() {
    let space = Space()
    let free: Int64 = 800 << 20
    #expect(space.reserve(request(.max, share: 50), free: free) == .success(200 << 20))
    #expect(space.reserve(request(.max, share: 50), free: free) == .success(100 << 20))
    #expect(space.reserve(request(50 << 20, share: 50), free: free) == .success(50 << 20))
    // Who wants all or nothing gets nothing.
    #expect(space.reserve(request(51 << 20, takesPart: false, share: 50), free: free) == .failure(.share))
    #expect(space.outstanding == 350 << 20)
  }

  @Test("is not all in the hands of one client, however often that asks, or brings what it was offered and asks again")
  func greedy() {
    let space = Space()
    var free: Int64 = 1 << 30
    let share = free / 4
    var refusals = 0
    for _ in 0..<40 {
      let key = UploadKey.mint()
      switch space.reserve(request(.max, "greedy", key: key, share: 25), free: free) {
      case .success(let bytes):
        space.wrote(bytes, of: key)
        free -= bytes
        space.release(key)
      case .failure(let shortage):
        #expect(shortage == .share)
        refusals += 1
      }
      #expect(space.held(by: "greedy") <= share)
    }
    #expect(space.held(by: "greedy") > share / 100 * 99 && refusals > 0)
    #expect(space.outstanding == 0)
    #expect(space.reserve(request(1, "greedy", takesPart: false, share: 25), free: free) == .failure(.share))
    #expect(space.reserve(request(150 << 20, "other", share: 25), free: free) == .success(150 << 20))
  }

  @Test(
    "is a client's again once what it brought is complete or dropped, and who goes on with an upload has what is there")
  func comesBack() {
    let space = Space()
    let key = UploadKey.mint()
    space.found(100, of: key, by: "a")
    #expect(space.held(by: "a") == 100)
    #expect(space.reserve(request(30, "b", key: key), free: 1000) == .success(30))
    #expect(space.held(by: "a") == 0 && space.held(by: "b") == 130)
    space.wrote(30, of: key)
    #expect(space.held(by: "b") == 130 && space.outstanding == 0)
    space.release(key)
    #expect(space.held(by: "b") == 130)
    space.forget(key)
    #expect(space.held(by: "b") == 0)
  }

  @Test("grows on top of what is there, within the same share")
  func grows() {
    let space = Space()
    let (key, free) = (UploadKey.mint(), Int64(800 << 20))
    #expect(space.reserve(request(16 << 20, key: key, share: 25), free: free) == .success(16 << 20))
    #expect(space.reserve(request(16 << 20, key: key, share: 25, isGrowth: true), free: free) == .success(16 << 20))
    #expect(space.outstanding == 32 << 20)
    space.wrote(20 << 20, of: key)
    #expect(space.outstanding == 12 << 20 && space.held(by: "a") == 32 << 20)
    let rest = space.reserve(request(.max, key: key, share: 25, isGrowth: true), free: free - 20 << 20)
    #expect(rest == .success(84 << 20))
    space.release(key)
    #expect(space.outstanding == 0)
  }

  @Test("is never out for a small upload, whatever many clients have announced")
  func little() {
    let space = Space()
    let free: Int64 = 75 << 30
    for index in 0..<256 {
      _ = space.reserve(request(.max, "greedy \(index % 100)", share: 25), free: free)
      #expect(space.reserve(request(1 << 10, "small \(index)", key: .mint()), free: free) == .success(1 << 10))
    }
    #expect(space.outstanding <= free)
  }

  @Test("is promised, and not gone, where others under way have all of it")
  func promised() {
    let space = Space()
    let free: Int64 = 64 << 20
    for index in 0..<200 { _ = space.reserve(request(.max, "\(index)"), free: free) }
    #expect(space.reserve(request(4 << 20, "b", takesPart: false), free: free) == .failure(.promised))
    #expect(space.reserve(request(65 << 20, "b", takesPart: false), free: free) == .failure(.tooLittle))
    #expect(space.reserve(request(4 << 20, "b", takesPart: false), free: 0) == .failure(.full))
  }

  @Test("gives out the last bytes, and no more")
  func last() {
    let space = Space()
    #expect(space.reserve(request(1000), free: 60_000) == .success(1000))
    #expect(space.reserve(request(70_000, "b"), free: 60_000) == .success(57_344))
    #expect(space.reserve(request(59_000 - 57_344, "c"), free: 60_000) == .success(59_000 - 57_344))
    #expect(space.reserve(request(1, "d"), free: 60_000) == .failure(.promised))
  }

  @Test("counts until bytes are in the file, or set aside there")
  func arrives() {
    let space = Space()
    let key = UploadKey.mint()
    #expect(space.reserve(request(1000, key: key), free: 1 << 20) == .success(1000))
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

  /// A disk whose uploads come, grow, write, vanish, come back and end in any order, while other programs take of it.
  @Test("is there when its bytes come, and gone with the last upload", arguments: 0..<100 as Range<UInt64>)
  func walk(seed: UInt64) {
    var random = SplitMix(state: seed)
    let space = Space()
    var free = Int64.random(in: 0...(1 << 30), using: &random)
    var live: [Live] = []
    var gone: [Live] = []
    for _ in 0..<500 {
      switch Int.random(in: 0..<12, using: &random) {
      case 0..<4:
        var upload = Live(key: .mint(), subject: "client \(Int.random(in: 0..<5, using: &random))")
        if Bool.random(using: &random), let back = gone.popLast() { upload = back }
        let bytes = Int64(1) << Int64.random(in: 0...40, using: &random)
        let takesPart = Bool.random(using: &random)
        let share = [5, 25, 50, 100].randomElement(using: &random) ?? 25
        let before = space.held(by: upload.subject)
        let request = request(bytes, upload.subject, key: upload.key, takesPart: takesPart, share: share)
        let room = free - space.outstanding
        switch space.reserve(request, free: free) {
        case .success(let granted):
          #expect(granted > 0 && granted <= bytes && (takesPart || granted == bytes))
          #expect(before + granted <= (room + before) / 100 * Int64(share) + 100)
          upload.reserved = granted
          live.append(upload)
        case .failure:
          if upload.arrived > 0 { gone.append(upload) }
        }
      case 4:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let step = min(live[index].reserved, Int64.random(in: 0...(1 << 22), using: &random))
        live[index].reserved -= step
        live[index].ahead += step
        free -= step
        space.setAside(step, of: live[index].key)
      case 5..<8:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let most = live[index].reserved + live[index].ahead
        let count = min(most, Int64.random(in: 0...(1 << 22), using: &random))
        let filled = min(count, live[index].ahead)
        live[index].ahead -= filled
        live[index].reserved -= count - filled
        live[index].arrived += count
        free -= count - filled
        space.wrote(count, of: live[index].key)
      case 8:
        guard let index = live.indices.randomElement(using: &random) else { break }
        var upload = live.remove(at: index)
        free += upload.ahead
        (upload.ahead, upload.reserved) = (0, 0)
        if Bool.random(using: &random) {
          space.release(upload.key)
          gone.append(upload)
        } else {
          space.forget(upload.key)
        }
      case 9, 10:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let bytes = Int64.random(in: 1...(1 << 26), using: &random)
        let request = request(bytes, live[index].subject, key: live[index].key, isGrowth: true)
        guard case .success(let granted) = space.reserve(request, free: free) else { break }
        live[index].reserved += granted
      default:
        guard let index = live.indices.randomElement(using: &random) else { break }
        let bytes = Int64.random(in: 1...(1 << 22), using: &random)
        live[index].reserved = min(live[index].reserved, bytes)
        space.limit(to: bytes, of: live[index].key)
      }
      #expect(space.outstanding == live.reduce(0) { $0 + $1.reserved })
      #expect(space.outstanding <= free)
      for subject in (0..<5).map({ "client \($0)" }) {
        let own = (live + gone).filter { $0.subject == subject }
        #expect(space.held(by: subject) == own.reduce(0) { $0 + $1.reserved + $1.ahead + $1.arrived })
      }
    }
    for upload in live + gone { space.forget(upload.key) }
    #expect(space.outstanding == 0)
    #expect(space.reserve(request(64 << 10), free: 64 << 10) == .success(64 << 10))
  }

  private struct Live {
    var key: UploadKey
    var subject: String
    var reserved: Int64 = 0
    var ahead: Int64 = 0
    var arrived: Int64 = 0
  }
}

extension SplitMix: RandomNumberGenerator {}

/// What an expectation may change while it looks.
private final class Space {
  private var space = ReservedSpace()
  var outstanding: Int64 { space.outstanding }
  var arrived: Int64 { space.arrived }

  func reserve(_ request: SpaceRequest, free: Int64) -> Result<Int64, SpaceShortage> {
    space.reserve(request, free: free)
  }
  func held(by subject: String) -> Int64 { space.held(by: subject) }
  func found(_ bytes: Int64, of key: UploadKey, by subject: String) { space.found(bytes, of: key, by: subject) }
  func limit(to bytes: Int64, of key: UploadKey) { space.limit(to: bytes, of: key) }
  func setAside(_ count: Int64, of key: UploadKey) { space.setAside(count, of: key) }
  func wrote(_ count: Int64, of key: UploadKey) { space.wrote(count, of: key) }
  func release(_ key: UploadKey) { space.release(key) }
  func forget(_ key: UploadKey) { space.forget(key) }
}

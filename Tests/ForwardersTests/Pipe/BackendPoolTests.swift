import GatewayCore
import Testing

@testable import Forwarders

@Suite("The pool of backends") struct BackendPoolTests {
  private let addresses = (1...4).map { BackendAddress.host("10.0.0.\($0)", port: 9000) }

  private func first(_ pool: inout BackendPool, _ key: UploadKey = .mint()) -> BackendAddress? {
    pool.candidates(for: key).first
  }

  @Test("names every backend once, and those that are down last", arguments: PipeForwarder.Balance.allCases)
  func all(_ balance: PipeForwarder.Balance) {
    var pool = BackendPool(addresses, balance: balance)
    let news = [pool.mark(addresses[1], isUp: false), pool.mark(addresses[1], isUp: false)]
    #expect(news == [true, false])
    for _ in 1...20 {
      let candidates = pool.candidates(for: .mint())
      #expect(Set(candidates) == Set(addresses))
      #expect(candidates.count == 4)
      #expect(candidates.last == addresses[1])
    }
    _ = pool.mark(addresses[1], isUp: true)
    let firsts = (1...200).map { _ in first(&pool) }
    #expect(firsts.contains(addresses[1]))
  }

  @Test("gives uploads to each in turn")
  func roundRobin() {
    var pool = BackendPool(addresses, balance: .roundRobin)
    let firsts = (0..<8).map { _ in first(&pool) }
    #expect(firsts == addresses + addresses)
  }

  @Test("gives an upload to the one with the fewest")
  func leastUploads() {
    var pool = BackendPool(addresses, balance: .leastUploads)
    for _ in 0..<40 {
      guard let address = first(&pool) else { return #expect(Bool(false)) }
      pool.began(address)
    }
    for _ in 1...3 { pool.ended(addresses[2]) }
    for _ in 1...3 {
      let next = first(&pool)
      #expect(next == addresses[2])
      pool.began(addresses[2])
    }
  }

  @Test("a backend more moves only the keys that it gets")
  func byKey() {
    var small = BackendPool(Array(addresses[..<3]), balance: .byKey)
    var large = BackendPool(addresses, balance: .byKey)
    var counts: [BackendAddress: Int] = [:]
    for _ in 0..<2000 {
      let key = UploadKey.mint()
      let (before, after, again) = (first(&small, key), first(&large, key), first(&large, key))
      #expect(after == before || after == addresses[3])
      if let after { counts[after, default: 0] += 1 }
      #expect(after == again)
    }
    for address in addresses { #expect((350...650).contains(counts[address] ?? 0)) }
  }
}

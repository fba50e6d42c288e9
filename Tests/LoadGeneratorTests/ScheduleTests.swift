import Foundation
import NIOCore
import Testing

@testable import LoadGenerator

@Suite struct ScheduleTests {
  private let ramp = Levels([
    .init(from: 0, to: 100, time: .seconds(10)), .init(from: 100, to: 100, time: .seconds(5)),
    .init(from: 100, to: 20, time: .seconds(10)),
  ])

  private func moments(_ levels: Levels, _ arrivals: Scenario.Arrivals, worker: Int = 0, of workers: Int = 1)
    -> [Double]
  {
    var schedule = ArrivalSchedule(levels, arrivals, seed: 5, worker: worker, of: workers)
    var moments: [Double] = []
    while let moment = schedule.next() { moments.append(moment) }
    return moments
  }

  @Test("a ramp has as many uploads as the area under it, at the moments where it has grown by one")
  func area() {
    let moments = moments(ramp, .even)
    #expect(moments.count == 500 + 500 + 600)
    #expect(moments.count { $0 < 10 } == 500 && moments.count { $0 < 5 } == 125 && moments.count { $0 < 15 } == 1000)
    #expect(moments == moments.sorted() && moments.allSatisfy { $0 >= 0 && $0 <= 25 })
    #expect(abs(ramp.level(at: 5) - 50) < 1e-9 && abs(ramp.level(at: 20) - 60) < 1e-9 && ramp.level(at: 25) == 0)
  }

  @Test("independent arrivals keep the rate on the whole, and their distances are exponential")
  func poisson() {
    let moments = moments(Levels([.init(from: 1000, to: 1000, time: .seconds(20))]), .poisson)
    #expect(abs(moments.count - 20_000) < 600)
    let gaps = zip(moments.dropFirst(), moments).map { $0 - $1 }
    let mean = gaps.reduce(0, +) / Double(gaps.count)
    let deviation = (gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)).squareRoot()
    #expect(abs(deviation / mean - 1) < 0.05)
  }

  @Test("several loops together have the moments of one")
  func workers() {
    let together = (0..<3).flatMap { moments(ramp, .even, worker: $0, of: 3) }.sorted()
    #expect(together == moments(ramp, .even))
    let independent = (0..<3).flatMap { moments(ramp, .poisson, worker: $0, of: 3) }
    #expect(abs(independent.count - 1600) < 160)
  }

  @Test("a stage without an end goes on, and one without a level ends nothing")
  func edges() {
    #expect(Levels([.init(from: 4, to: 4, time: nil)]).time(ofSum: 100) == 25)
    let pause = Levels([.init(from: 0, to: 0, time: .seconds(3)), .init(from: 1, to: 1, time: .seconds(2))])
    #expect(pause.time(ofSum: 0) == 3 && pause.time(ofSum: 1) == 4 && pause.time(ofSum: 2) == nil)
  }

  @Test("the same seed plans the same, with the shares that were asked for")
  func plans() throws {
    var scenario = Scenario(name: "x")
    scenario.targets = ["a", "b"]
    var small = UploadKind()
    (small.weight, small.size) = (3, .fixed(10))
    var large = UploadKind()
    large.size = .logNormal(median: 1000, sigma: 1, most: 5000)
    scenario.uploads = [small, large]
    scenario.faults = [FaultShare(.cut, share: 0.1), FaultShare(.drip, share: 0.2)]
    let stocks = try Stocks(scenario)
    let (one, other) = (UploadPlanner(scenario, ContentStock(stocks)), UploadPlanner(scenario, ContentStock(stocks)))
    let plans = (0..<5000).map(one.upload)
    for number in [0, 17, 4999] {
      let again = other.upload(number)
      #expect(again.size == plans[number].size && again.fault == plans[number].fault)
      #expect(again.faultPlace == plans[number].faultPlace && again.content.identity == plans[number].content.identity)
    }
    #expect(abs(plans.count { $0.size == 10 } - 3750) < 200)
    #expect(abs(plans.count { $0.fault?.kind == .cut } - 500) < 100)
    #expect(abs(plans.count { $0.fault?.kind == .drip } - 1000) < 140)
    let sizes = plans.filter { $0.kind.weight == 1 }.map(\.size).sorted()
    #expect(abs(sizes[sizes.count / 2] - 1000) < 120 && sizes.last ?? 0 <= 5000)
    #expect(plans.allSatisfy { $0.fault?.kind != .cut || (1..<$0.size).contains($0.faultPlace) })
    #expect(plans.count { $0.target == 1 } == 2500)
  }

  @Test(
    "content is the same however it is cut, and its digest is that of all of it", arguments: UploadKind.Format.allCases)
  func content(format: UploadKind.Format) throws {
    let stock = ContentStock(try Stocks(Scenario(name: "x")))
    var random = SeededRandom(seed: 3)
    for size in [0, 1, 2, 3, 1000, 3_000_001] as [Int64] {
      let content = stock.made(size, format, isDigested: false, &random)
      let whole = bytes(of: content) { 512 << 10 }
      #expect(whole.count == size)
      #expect(bytes(of: content) { Int.random(in: 1...700_000, using: &random) } == whole)
      if format == .json, size > 0 {
        #expect((try? JSONSerialization.jsonObject(with: Data(whole), options: .fragmentsAllowed)) != nil)
      }
      #expect(String(validating: whole, as: UTF8.self) != nil || format == .bytes)
    }
  }

  private func bytes(of content: UploadContent, portion: () -> Int) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < content.size {
      bytes += content.portion(at: Int64(bytes.count), most: portion()).readableBytesView
    }
    return bytes
  }
}

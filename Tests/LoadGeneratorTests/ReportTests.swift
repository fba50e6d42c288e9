import Foundation
import LoadGenerator
import Testing

@Suite(.timeLimit(.minutes(1))) struct ReportTests {
  @Test("every key of the result is documented, and it can be read again and compared")
  func json() async throws {
    let gateway = try GatewayPlace()
    let before = try gateway.records()
    var result = try await run(
      .open(rate: 40, time: .seconds(1)) { scenario in
        scenario.faults = [FaultShare(.cut, share: 0.3)]
        scenario.thresholds = ["p99<10s"].compactMap { try? Threshold($0) }
      }, gateway.url)
    result.check(against: before, try gateway.records())
    let report = result.report()
    let object = try JSONSerialization.jsonObject(with: Data(report.json.utf8))
    let documentation = try #require(Documentation.blocks("json").first) + Documentation.text()
    for key in keys(of: object) { #expect(documentation.contains("\"\(key)\""), "\(key) is not documented") }

    let again = try LoadReport(json: report.json.utf8)
    #expect(again == report)
    let comparison = Comparison(report, again)
    #expect(comparison.planDifferences.isEmpty)
    #expect(comparison.rows.allSatisfy { $0.old == $0.new && ($0.change ?? 0) == 0 })
    #expect(comparison.rows.contains { $0.name == "upload p99" && $0.oldText == $0.newText })
    #expect(throws: LoadReport.FormatError.self) { try LoadReport(json: "{}".utf8) }
    #expect(throws: LoadReport.FormatError.self) {
      try LoadReport(json: report.json.replacing("\"version\" : 1", with: "\"version\" : 2").utf8)
    }
  }

  @Test("another plan, and what became worse, can be seen")
  func comparison() async throws {
    let gateway = try GatewayPlace()
    let old = try await run(.closed(clients: 1, count: 5), gateway.url).report()
    var new = old
    new.latency.upload.p99 = old.latency.upload.p99 * 1.5
    new.shape.seed += 1
    new.totals.errors = 2
    let comparison = Comparison(old, new)
    #expect(comparison.planDifferences == ["the runs have other seeds"])
    #expect(comparison.rows.first { $0.name == "upload p99" }?.changeText == "+50.0 %")
    #expect(comparison.rows.first { $0.name == "errors" }?.changeText == "")
  }

  private func keys(of value: Any) -> Set<String> {
    switch value {
    case let object as [String: Any]:
      object.reduce(into: Set(object.keys)) { $0.formUnion(keys(of: $1.value)) }
    case let array as [Any]: array.reduce(into: []) { $0.formUnion(keys(of: $1)) }
    default: []
    }
  }
}

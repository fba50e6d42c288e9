import Foundation
import FoundationXML
import Testing

@testable import LoadGenerator

@Suite(.timeLimit(.minutes(1))) struct PageTests {
  /// Reads a page as XML, which is stricter than what browsers do, and keeps its texts.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [String] = []
    var text = ""

    static func read(_ page: String) throws -> Reader {
      let (reader, parser) = (Reader(), XMLParser(data: Data(page.utf8)))
      parser.delegate = reader
      let isRead = parser.parse()
      try #require(isRead, "\(parser.parserError.debugDescription) in line \(parser.lineNumber)")
      return reader
    }

    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
      attributes: [String: String] = [:]
    ) { elements.append(name) }

    func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
  }

  /// What makes a browser ask somebody for something.
  private func references(in page: String) -> [String] {
    ["http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "<img", "<iframe"].filter(page.contains)
  }

  @Test("a run's page is well-formed, loads nothing, and has its figures and its lines")
  func page() async throws {
    let gateway = try GatewayPlace()
    let before = try gateway.records()
    var result = try await run(
      .open(rate: 40, time: .seconds(1)) { scenario in
        scenario.faults = [FaultShare(.cut, share: 0.3), FaultShare(.malformed, share: 0.1)]
        scenario.thresholds = ["p99<10s", "errors>0"].compactMap { try? Threshold($0) }
      }, gateway.url)
    result.check(against: before, try gateway.records())
    let report = result.report()
    let page = report.page(besides: report)
    let reader = try Reader.read(page)
    #expect(references(in: page).isEmpty)
    #expect(reader.elements.count { $0 == "figure" } == 5)
    #expect(page.contains("<path class=\"line a\" d=\"M0 "))
    for text in [
      "✗ failed", gateway.url, FigureText.time(report.latency.upload.p99), "p99<10s", "not met", "Before and now",
      "malformed", "own account",
    ] { #expect(reader.text.contains(text), "\(text)") }
    #expect(!report.page().contains("Before and now"))
  }

  @Test("whatever a server, a file or a scenario says stays text")
  func escaping() throws {
    let evil = "<script>alert('x')</script>&amp;\"><img src=x onerror=y>\u{0}\u{1B}[31m\u{202E}\u{FFFF}\nline"
    var report = Self.empty
    (report.name, report.purpose, report.tool) = (evil, evil, evil)
    report.shape.targets = [evil, evil]
    (report.shape.uploads, report.shape.connection, report.shape.faults) = ([evil], evil, [evil: 0.5])
    report.errors = [.init(kind: evil, status: 3, name: evil, count: 1, example: evil)]
    report.setbacks = [.init(kind: "lost", status: nil, name: evil, count: 1, example: evil)]
    report.faults = [.init(fault: .cut, done: 1, asExpected: 0, unexpected: 1, notPossible: 0, example: evil)]
    report.checks = [.init(check: evil, meaning: evil, checked: 1, violations: 1, example: evil)]
    report.thresholds = [.init(expectation: evil, measured: nil, text: evil, isMet: false)]
    report.warnings = [evil]
    report.account = .init(
      clientCompleted: 1, gatewayCompleted: 1, clientBytes: 1, gatewayBytes: 1, onlyGateway: 0, open: 0,
      quotas: [
        .init(
          route: evil, subject: evil, window: nil, usedBefore: 0, usedAfter: 1, reservedBefore: 0, reservedAfter: 0)
      ], differences: [evil])
    var old = report
    old.errors = [.init(kind: "status", status: 4, name: evil, count: 1, example: evil)]
    let page = report.page(besides: old)
    let reader = try Reader.read(page)
    #expect(!reader.elements.contains("script") && !reader.elements.contains("img"))
    #expect(reader.text.contains("<script>alert('x')</script>&amp;\"><img src=x onerror=y>"))
    let isShown = { (scalar: Unicode.Scalar) in
      scalar == "\n" || ![.control, .format].contains(scalar.properties.generalCategory)
    }
    #expect(page.unicodeScalars.allSatisfy(isShown))
  }

  @Test("a run without an upload has a page too, and says that there is nothing")
  func empty() throws {
    let page = Self.empty.page(besides: Self.empty)
    let reader = try Reader.read(page)
    #expect(references(in: page).isEmpty)
    #expect(reader.text.contains("Nothing was measured.") && reader.text.contains("There were none."))
    #expect(!page.contains("nan") && !page.contains("inf%"))
  }

  @Test("a result with impossible numbers is drawn within its page")
  func impossible() throws {
    var report = Self.empty
    (report.startedAt, report.seconds) = (.max, 1e300)
    (report.totals.begun, report.totals.completed, report.totals.completedBytes) = (.max, .min, .max)
    report.generator.load = 1e300
    for number in [-1e300, -1, 0, 1e-300, 1e300, .greatestFiniteMagnitude] {
      var second = LoadReport.Second(second: .max)
      (second.sentBytes, second.begun, second.open, second.errors) = (.max, .max, .min, .max)
      (second.p50, second.p99, second.max) = (number, -number, number)
      report.timeline.append(second)
      report.latency.upload.points.append(.init(percentile: number, seconds: number, count: .max))
      (report.latency.upload.count, report.latency.upload.p99) = (.max, number)
      report.sizes.append(.init(from: .min, to: .max, completed: .min, bytes: .min, p50: number, p99: 0, max: number))
    }
    report.errors = [.init(kind: "lost", status: .max, name: "lost", count: .min, example: "")]
    _ = try Reader.read(report.page(besides: Self.empty))
    _ = try Reader.read(Self.empty.page(besides: report))
  }

  @Test("a run of a day has no more points than can be seen")
  func long() throws {
    var report = Self.empty
    report.timeline = (0..<86_400).map { index in
      var second = LoadReport.Second(second: index)
      (second.sentBytes, second.begun, second.p50, second.p99, second.max) = (1 << 20, 5, 0.01, 0.02, 0.03)
      return second
    }
    let page = report.page()
    _ = try Reader.read(page)
    #expect(page.utf8.count < 300_000, "\(page.utf8.count)")
  }

  private static let empty: LoadReport = {
    let none = LoadReport.Latency(
      count: 0, filledIn: 0, correction: .none, expectedInterval: nil, min: 0, mean: 0, p50: 0, p90: 0, p99: 0,
      p999: 0, max: 0, points: [])
    return LoadReport(
      tool: "sluice", name: "empty", purpose: "", startedAt: 0, seconds: 0, verdict: .interrupted,
      shape: .init(
        loop: .open, arrivals: .even, stages: [], count: nil, targets: [], uploads: [], connection: "", faults: [:],
        seed: 1),
      totals: .init(), latency: .init(connect: none, offer: none, final: none, upload: none), timeline: [], sizes: [],
      errors: [], setbacks: [], faults: [], checks: [], account: nil,
      generator: .init(
        threads: 1, userSeconds: 0, systemSeconds: 0, load: 0, cpuSecondsPerGiB: nil, peakMemory: 0, slip: nil,
        isBottleneck: false), thresholds: [], warnings: [])
  }()
}

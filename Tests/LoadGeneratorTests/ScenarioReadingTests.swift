import ConfigurationReading
import Foundation
import LoadGenerator
import Testing

@Suite struct ScenarioReadingTests {
  @Test("the example of the documentation is read as it says")
  func example() throws {
    let text = try #require(Documentation.blocks("yaml").first)
    let base = NSTemporaryDirectory() + "sluice-scenario-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: base + "/samples", withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: base) }
    let scenario = try Scenario.parse(text, file: "steady.yaml", base: base)
    #expect(scenario.name == "steady" && scenario.seed == 42 && scenario.purpose == "a working day")
    #expect(scenario.targets == ["xstream://localhost/upload-file"])
    #expect(scenario.loop == .open && scenario.arrivals == .poisson && scenario.count == 10_000)
    #expect(
      scenario.stages == [
        .init(from: 5, to: 50, time: .seconds(20)), .init(from: 50, to: 50, time: .seconds(60)),
      ])
    #expect(scenario.uploads.count == 5)
    #expect(scenario.uploads[0].weight == 8 && scenario.uploads[0].digest && scenario.uploads[0].format == .text)
    #expect(scenario.uploads[1].payload && scenario.uploads[1].size == .range(1024...(256 << 10)))
    #expect(scenario.uploads[2].size == .logNormal(median: 200 << 10, sigma: 1.5, most: 1 << 30))
    #expect(scenario.uploads[3].size == .folder(base + "/samples") && scenario.uploads[3].unknownTotal)
    #expect(scenario.uploads[4].uploadProtocol == .resumable && scenario.uploads[4].http == .two)
    #expect(scenario.connection.bandwidth == 10 << 20 && scenario.connection.silence == .seconds(30))
    #expect(scenario.faults.map(\.kind) == [.cut, .stall, .drip, .wrongDigest])
    #expect(scenario.faults[2].bytes == 256 && scenario.faults[1].time == .seconds(3))
    #expect(scenario.thresholds.map(\.text) == ["p99 < 250ms", "errors = 0"])
  }

  @Test("what uploads over HTTP speak is read, and https:// is an address for them")
  func http() throws {
    let scenario = try Scenario.parse(
      """
      stages: [{clients: 1, for: 1s}]
      targets: ["https://localhost/a", "https://[::1]:8443/b"]
      uploads: [{protocol: put}, {protocol: tus, http: 1.1}, {protocol: resumable, http: 2}]
      """, file: "s.yaml", base: "/")
    #expect(scenario.targets == ["https://localhost:443/a", "https://[::1]:8443/b"])
    #expect(scenario.uploads.map(\.uploadProtocol) == [.put, .tus, .resumable])
    #expect(scenario.uploads.map(\.http) == [.one, .one, .two])
  }

  @Test("a scenario stretched keeps its levels, and has other times and another count")
  func stretched() {
    var scenario = Scenario(
      name: "x", stages: [.init(from: 1, to: 5, time: .seconds(10)), .init(from: 5, to: 5, time: nil)])
    scenario.count = 30
    scenario.stretch(by: 2.5)
    #expect(scenario.stages == [.init(from: 1, to: 5, time: .seconds(25)), .init(from: 5, to: 5, time: nil)])
    #expect(scenario.count == 75)
    scenario.stretch(by: 1e-9)
    #expect(scenario.count == 1 && scenario.stages[0].time == .milliseconds(1))
    scenario.stretch(by: 1e300)
    #expect(scenario.count == 1_000_000_000 && scenario.stages[0].time == .seconds(30 * 86_400))
  }

  @Test("every scenario that is delivered can be read, says what it is for, and expects something")
  func delivered() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "deploy/load")
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix(".yaml") }
    #expect(files.count >= 10)
    for file in files {
      let scenario = try Scenario.load(path: folder.appending(path: file).path())
      #expect(scenario.name + ".yaml" == file && !scenario.purpose.isEmpty && !scenario.thresholds.isEmpty)
    }
  }

  @Test(
    "every fault of a scenario is told with its line and what to write",
    arguments: [
      ("stages: [{rat: 5, for: 3s}]", 1, "did you mean `rate`?"),
      ("stages: [{rate: 5, for: 3}]", 1, "`3` has no unit"),
      ("stages: [{rate: 5}]", 1, "a stage has no end"),
      ("stages: [{rate: 5, for: 1s}, {clients: 5, for: 1s}]", 1, "some with `rate` and some with `clients`"),
      ("stages: [{clients: 1, for: 1s}]\narrivals: even", 2, "are for stages with `rate`"),
      ("stages: [{rate: 1, for: 1s}]\nuplods: []", 2, "did you mean `uploads`?"),
      ("stages: [{rate: 1, for: 1s}]\nexpect: [p99<5]", 2, "`5` is not a time"),
      ("stages: [{rate: 1, for: 1s}]\nexpect: [p9X<5ms]", 2, "is not measured"),
      ("stages: [{rate: 1, for: 1s}]\nfaults: {cut: 60%, drip: 50%}", 2, "add up to 110.0 %"),
      ("stages: [{rate: 1, for: 1s}]\nfaults: {cuts: 6%}", 2, "did you mean `cut`?"),
      ("stages: [{rate: 1, for: 1s}]\nuploads: [{size: {median: 1 KiB, from: 2}}]", 2, "none of its kinds"),
      ("stages: [{rate: 1, for: 1s}]\nuploads: [{payload: true, unknown-total: true}]", 2, "in one packet"),
      ("stages: [{rate: 1, for: 1s}]\nuploads: [{protocol: put, payload: true}]", 2, "`payload` is for x-stream"),
      ("stages: [{rate: 1, for: 1s}]\nuploads: [{http: 2}]", 2, "`http` is for uploads over HTTP"),
      ("stages: [{rate: 1, for: 1s}]\nuploads: [{protocol: tsu}]", 2, "did you mean `tus`?"),
      ("stages: [{rate: 1, for: 1s}]\ntargets: http://localhost/", 2, "has to begin with xstream://"),
      ("name: x", 1, "has no `stages`"),
      ("", 1, "the file says nothing"),
    ])
  func faults(text: String, line: Int, words: String) throws {
    let error = #expect(throws: ConfigurationFaults.self) {
      try Scenario.parse(text, file: "s.yaml", base: "/")
    }
    let fault = try #require(error?.faults.first { $0.description.contains(words) }, "\(error?.description ?? "")")
    #expect(fault.line == line)
  }
}

/// Blocks of docs/load.md.
enum Documentation {
  static func text() throws -> String {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/load.md")
    return try String(contentsOf: file, encoding: .utf8)
  }

  static func blocks(_ language: String) throws -> [String] {
    try text().components(separatedBy: "```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
  }
}

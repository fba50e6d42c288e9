import DevelopmentCertificates
import Foundation
import GatewayServer
import LoadGenerator
import Synchronization
import TLSTransport
import XStreamClient

/// A gateway in a process of its own, with a folder of its own.
final class GatewayPlace: Sendable {
  let folder: String
  let port: Int
  private let process: Mutex<Process>

  static let binary = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    .appending(path: "sluice")

  /// Starts it, and waits until it listens.
  ///
  /// - Parameters:
  ///   - limits: what `limits` of its only route says.
  ///   - more: lines of the route.
  init(limits: String = "{upload: 20 MiB, held: 4 GiB}", more: String = "") throws {
    folder = NSTemporaryDirectory() + "sluice-load-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let yaml = """
      listen: 127.0.0.1:0
      tls: {certificate: \(Certificates.directory)/server.pem, private-key: \(Certificates.directory)/server.key}
      state: state
      http: {}
      routes:
        /upload-file:
          limits: \(limits)
          store: {directory: uploads}
      \(more.split(separator: "\n").map { "    " + $0 }.joined(separator: "\n"))
      """
    try Data(yaml.utf8).write(to: URL(filePath: folder + "/sluice.yaml"))
    let process = Process()
    process.executableURL = Self.binary
    process.arguments = ["serve", "--config", folder + "/sluice.yaml"]
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    var said = Data()
    while !said.contains(UInt8(ascii: "\n")) {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { break }
      said += more
    }
    // "sluice listens on 127.0.0.1:PORT"
    let line = String(decoding: said, as: UTF8.self).split(separator: "\n").first ?? ""
    guard let port = Int(line.split(separator: ":").last ?? "") else {
      process.terminate()
      throw CocoaError(.executableLoad)
    }
    self.port = port
    self.process = Mutex(process)
  }

  deinit {
    process.withLock { process in
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: folder)
  }

  var url: String { "xstream://localhost:\(port)/upload-file" }

  func signal(_ number: CInt) { process.withLock { _ = kill($0.processIdentifier, number) } }

  /// What its ledger has.
  func account() throws -> LedgerAccount { try LedgerAccount(state: LedgerFolder(path: folder + "/state")) }

  func records() throws -> GatewayRecords {
    let account = try account()
    let uploads = account.uploads.map {
      ($0.key, GatewayRecords.Upload(isDone: $0.state == "done", isOpen: $0.state == "open", safe: $0.safe))
    }
    let quotas = account.quotas.map {
      (
        GatewayRecords.QuotaName(route: $0.route, subject: $0.subject, window: $0.window?.milliseconds),
        GatewayRecords.Quota(used: $0.used, reserved: $0.reserved)
      )
    }
    return GatewayRecords(
      uploads: Dictionary(uploads) { first, _ in first }, quotas: Dictionary(quotas) { first, _ in first })
  }
}

/// Runs a scenario against a target, with the result before it is held against a ledger.
func run(
  _ scenario: Scenario, _ url: String, eachSecond: (LoadReport.Second) -> Void = { _ in }
) async throws -> LoadResult {
  var scenario = scenario
  scenario.targets = [url]
  let plan = try await LoadPlan(
    scenario, LoadCredentials(trust: .caFile(Certificates.ca)), ownsTarget: false)
  return await LoadRun(plan, tool: "test").run(eachSecond: eachSecond)
}

extension Scenario {
  /// An open loop at a constant rate.
  static func open(rate: Double, time: Duration, _ change: (inout Scenario) -> Void = { _ in }) -> Scenario {
    var scenario = Scenario(name: "test", stages: [Stage(from: rate, to: rate, time: time)])
    scenario.loop = .open
    change(&scenario)
    return scenario
  }

  /// Clients until so many uploads are begun.
  static func closed(clients: Int, count: Int, _ change: (inout Scenario) -> Void = { _ in }) -> Scenario {
    var scenario = Scenario(name: "test", stages: [Stage(from: Double(clients), to: Double(clients), time: nil)])
    scenario.count = count
    change(&scenario)
    return scenario
  }
}

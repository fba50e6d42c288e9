import DevelopmentCertificates
import Foundation
import LoadGenerator
import Synchronization
import Testing

/// The command as people run it.
@Suite(.timeLimit(.minutes(1))) struct CommandTests {
  private struct Ended {
    var status: CInt
    var output: String
    var errors: String
  }

  /// - Parameter stopping: a text on standard error after which it gets SIGINT.
  private func load(_ arguments: [String], stopping: String? = nil) async throws -> Ended {
    let process = Process()
    process.executableURL = GatewayPlace.binary
    process.arguments = ["load"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    async let said = readAll(output) { _ in }
    let number = process.processIdentifier
    let isStopped = Atomic(false)
    let complained = await readAll(errors) { text in
      // A second one would end it at once.
      guard let stopping, text.contains(stopping), !isStopped.exchange(true, ordering: .relaxed) else { return }
      kill(number, SIGINT)
    }
    let result = await said
    process.waitUntilExit()
    return Ended(status: process.terminationStatus, output: result, errors: complained)
  }

  private func readAll(_ pipe: Pipe, _ look: @escaping @Sendable (String) -> Void) async -> String {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        var all = Data()
        while case let more = pipe.fileHandleForReading.availableData, !more.isEmpty {
          all += more
          look(String(decoding: all, as: UTF8.self))
        }
        continuation.resume(returning: String(decoding: all, as: UTF8.self))
      }
    }
  }

  @Test("a run by options is judged by its thresholds, and written as JSON, which a later one is compared with")
  func thresholds() async throws {
    let gateway = try GatewayPlace()
    let common = ["--count", "20", "--clients", "2", "--size", "1k", "--ca", Certificates.ca, gateway.url]
    let file = gateway.folder + "/old.json"
    let config = gateway.folder + "/sluice.yaml"
    let first = try await load(["--expect", "errors=0", "--json", file, "--gateway-config", config] + common)
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.output.contains("load: passed") && first.output.contains("The ledger has 20 of 20"))
    let old = try LoadReport(json: Data(contentsOf: URL(filePath: file)))
    #expect(old.totals.completed == 20 && old.account?.gatewayCompleted == 20)
    let page = gateway.folder + "/page.html"
    let second = try await load(
      ["--expect", "completed>20", "--json", "-", "--report", page, "--compare", file, "--stretch", "0.5"] + common)
    #expect(second.status == 1)
    let new = try LoadReport(json: second.output.utf8)
    #expect(new.verdict == .failed && new.thresholds.first?.isMet == false)
    #expect(new.totals.begun == 10)
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.contains("✗ failed") && html.contains("Before and now"))
    #expect(second.errors.contains("NOT MET") && second.errors.contains("BEFORE"))
  }

  @Test("Ctrl-C ends a run in order, with what was done")
  func interrupted() async throws {
    let gateway = try GatewayPlace()
    let ended = try await load(
      ["--rate", "50", "--duration", "1h", "--ca", Certificates.ca, gateway.url], stopping: "1/3600 s")
    #expect(ended.status == 75 && ended.output.contains("load: interrupted"), "\(ended.errors)")
  }

  @Test("a scenario's faults, a stranger and a plan twice are told apart by the exit status")
  func refused() async throws {
    let file = NSTemporaryDirectory() + "sluice-scenario-\(UUID().uuidString).yaml"
    try Data("stages: [{rate: 5, for: 1s}]\nexpct: []\n".utf8).write(to: URL(filePath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    let faulty = try await load([file, "xstream://localhost/x"])
    #expect(faulty.status == 64 && faulty.errors.contains("\(file):2:1: error: unknown key `expct`"))
    #expect(faulty.errors.contains("did you mean `expect`?"))
    let strange = try await load(["--rate", "1", "xstream://192.0.2.1/x"])
    #expect(strange.status == 2 && strange.errors.contains("--i-own-this-target"))
    let twice = try await load([file, "--rate", "1", "xstream://localhost/x"])
    #expect(twice.status == 64 && twice.errors.contains("leave these options out"))
    let nothing = try await load(["xstream://localhost/x"])
    #expect(nothing.status == 64 && nothing.errors.contains("one of --rate and --clients"))
  }
}

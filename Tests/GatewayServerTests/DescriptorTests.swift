import Foundation
import Testing
import XStream
import XStreamClient

/// A gateway that is out of file descriptors.
@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
  @Test("clients wait at no cost while no descriptor is left to accept them with, and are served when there is one")
  func waiting() async throws {
    try await withGatewayProcess { gateway in
      // Those that are open stay; there is none more.
      try await setLimit(3, gateway)
      let bytes = pattern(100_000)
      let url = try gateway.url()
      async let outcome = UploadClient.test().upload(.bytes(bytes), to: url, options: .quick())
      #expect(await eventually { gateway.log.contains("Connections wait") }, "\(gateway.log)")
      let used = try processorTicks(gateway)
      // Nothing is waited for: this is how long the processor's time is looked at.
      let span = Duration.milliseconds(700)
      try await ContinuousClock().sleep(for: span)
      let ticks = try processorTicks(gateway) - used
      #expect(ticks <= 15, "\(ticks) ticks of 10 ms in \(span)")
      try await setLimit(256, gateway)
      #expect(try gateway.folder.stored(await outcome.key.text) == bytes)
    }
  }

  @Test("with few descriptors fewer clients are served at once, and the others wait; store and ledger have theirs")
  func few() async throws {
    let folder = try GatewayFolder()
    let gateway = try GatewayProcess(in: folder, wrapper: ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"])
    try await gateway.start()
    let result = try await sluice(
      [
        "load", "-q", "--clients", "30", "--count", "120", "--size", "10k", "--new-connections", "--ca",
        TestCertificates.ours.ca, gateway.url().description,
      ], in: folder)
    #expect(result.status == 0, "\(result.output)")
    #expect(result.output.contains("120 begun, 120 complete"), "\(result.output)")
    #expect(gateway.log.contains("file descriptors") && !gateway.log.contains("Too many open files"))
    #expect(await gateway.terminate()?.status == 0)
  }

  @Test("with too few descriptors there is an error, and no crash", arguments: [10, 12, 16, 20, 24, 28, 32])
  func tooFew(limit: Int) async throws {
    let folder = try GatewayFolder()
    let config = try folder.write("sluice.yaml", GatewaySetup().yaml)
    for arguments in [
      ["serve", "--config", config],
      ["load", "--clients", "1", "--count", "1", "--ca", TestCertificates.ours.ca, "xstream://localhost:1/a"],
    ] {
      let result = try await Program.run(
        ["sh", "-c", "ulimit -n \(limit); exec \"$@\"", "sh", SluiceBinary.path] + arguments, in: folder)
      #expect([1, 2].contains(result.status), "\(arguments): \(result.status) \(result.errors)")
      #expect(result.errors.contains("descriptors") || result.errors.contains("does not answer"), "\(result.errors)")
    }
  }

  @Test("the limit is raised as far as it may be")
  func raised() async throws {
    let folder = try GatewayFolder()
    let gateway = try GatewayProcess(in: folder, wrapper: ["sh", "-c", "ulimit -Sn 64; exec \"$@\"", "sh"])
    try await gateway.start()
    let process = try #require(gateway.program?.id)
    let limits = try String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8).split(separator: "\n")
    let words = try #require(limits.first { $0.hasPrefix("Max open files") }).split(separator: " ")
    #expect(words[3] == words[4])
  }

  /// Sets the soft limit of open files: prlimit(1).
  private func setLimit(_ count: Int, _ gateway: GatewayProcess) async throws {
    let process = try #require(gateway.program?.id)
    let result = try await Program.run(["prlimit", "--pid", "\(process)", "--nofile=\(count):"], in: gateway.folder)
    try #require(result.status == 0, "\(result.errors)")
  }

  /// User and system time: proc(5).
  private func processorTicks(_ gateway: GatewayProcess) throws -> Int {
    let process = try #require(gateway.program?.id)
    let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    let fields = try #require(text.split(separator: ")").last).split(separator: " ")
    return try #require(Int(fields[11])) + #require(Int(fields[12]))
  }
}

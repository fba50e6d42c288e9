import DevelopmentCertificates
import Foundation
import Glibc
import LoadGenerator
import Synchronization
import TestPrerequisites
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
    try await load(arguments, watching: stopping) { _ = kill($0, SIGINT) }
  }

  /// - Parameter text: on standard error, after which `body` is done once, with the process's number.
  private func load(
    _ arguments: [String], watching text: String?, _ body: @escaping @Sendable (pid_t) -> Void
  ) async throws -> Ended {
    let process = Process()
    process.executableURL = GatewayPlace.binary
    process.arguments = ["load"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    async let said = readAll(output) { _ in }
    let number = process.processIdentifier
    let isDone = Atomic(false)
    let complained = await readAll(errors) { said in
      // A second one would end it at once.
      guard let text, said.contains(text), !isDone.exchange(true, ordering: .relaxed) else { return }
      body(number)
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

  @Test("a run in which uploads fail has failed, whatever is said of times; how many may fail a threshold can say")
  func failures() async throws {
    let gateway = try GatewayPlace()
    let run = ["-q", "--clients", "1", "--count", "3", "--size", "1k"]
    // Nobody of the system's authorities knows this gateway's.
    let untrusted = try await load(run + [gateway.url])
    #expect(untrusted.status == 1 && untrusted.output.hasPrefix("load: failed"), "\(untrusted.output)")
    #expect(untrusted.output.contains("errors = 0") && untrusted.output.contains("3  NOT MET"), "\(untrusted.output)")
    #expect(untrusted.errors.contains("--ca FILE"), "\(untrusted.errors)")
    let trusted = run + ["--ca", Certificates.ca]
    let nowhere = gateway.url.replacing("upload-file", with: "none")
    #expect(try await load(trusted + [nowhere]).status == 1)
    #expect(try await load(trusted + ["--expect", "p99<60m", nowhere]).status == 1)
    #expect(try await load(trusted + ["--expect", "status-2=3", nowhere]).status == 0)
    #expect(try await load(trusted + ["--expect", "errors<4", nowhere]).status == 0)
    #expect(try await load(trusted + ["--expect", "error-rate<=100%", nowhere]).status == 0)
    let others = try await load(trusted + ["--expect", "status-7=0", nowhere])
    #expect(others.status == 1 && others.output.contains("3  NOT MET"), "\(others.output)")
    #expect(try await load(trusted + [gateway.url]).status == 0)
  }

  @Test("a gateway that dies in the middle of a run fails it")
  func death() async throws {
    let gateway = try GatewayPlace()
    let ended = try await load(
      ["--rate", "20", "--duration", "3s", "--ca", Certificates.ca, "--expect", "p50<60m", gateway.url],
      watching: "1/3 s"
    ) { _ in gateway.signal(SIGKILL) }
    #expect(ended.status == 1 && ended.output.hasPrefix("load: failed"), "\(ended.output)")
  }

  @Test("a place where no result can be written is told before the run")
  func places() async throws {
    let gateway = try GatewayPlace()
    let folder = gateway.folder
    let common = ["-q", "--clients", "1", "--duration", "1h", "--ca", Certificates.ca, gateway.url]
    symlink("loop", folder + "/loop")
    for (place, cause) in [
      ("no/such/folder/r", "No such file or directory"), (folder, "Is a directory"), (folder + "/", "Is a directory"),
      ("/proc/no-such-file", "No such file or directory"), (folder + "/loop", "Too many levels"),
      ("/dev/fd/77", "not open for writing"), ("", "No such file"),
    ] {
      for option in ["--json", "--report"] {
        let ended = try await load([option, place] + common)
        #expect(ended.status == 2 && ended.errors.contains(cause), "\(option) \(place): \(ended.errors)")
      }
    }
    let twice = try await load(["--json", folder + "/r", "--report", folder + "/r"] + common)
    #expect(twice.status == 64, "\(twice.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("r") } == [])
  }

  @Test("plain files are replaced, with their mode; everything else is written to and stays what it is")
  func special() async throws {
    let gateway = try GatewayPlace()
    let folder = gateway.folder
    let common = ["-q", "--clients", "1", "--count", "1", "--size", "1k", "--ca", Certificates.ca, gateway.url]
    func kind(_ name: String) throws -> FileAttributeType? {
      try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.type] as? FileAttributeType
    }
    func result(_ name: String) throws -> LoadReport {
      try LoadReport(json: Data(contentsOf: URL(filePath: folder + "/" + name)))
    }
    for name in ["plain", "target", "other"] { try Data("old".utf8).write(to: URL(filePath: folder + "/" + name)) }
    chmod(folder + "/plain", 0o640)
    symlink("target", folder + "/link")
    symlink("new", folder + "/dangling")
    link(folder + "/other", folder + "/hard")
    mkfifo(folder + "/pipe", 0o600)
    for (name, target) in [
      ("plain", "plain"), ("link", "target"), ("dangling", "new"), ("hard", "other"), ("fresh", "fresh"),
    ] {
      let ended = try await load(["--json", folder + "/" + name] + common)
      #expect(ended.status == 0, "\(name): \(ended.errors)")
      #expect(try result(target).totals.completed == 1, "\(name)")
    }
    #expect(try kind("link") == .typeSymbolicLink && kind("dangling") == .typeSymbolicLink)
    let mode = try FileManager.default.attributesOfItem(atPath: folder + "/plain")[.posixPermissions] as? Int
    #expect(mode == 0o640)
    let reader = open(folder + "/pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    async let piped = load(["--json", folder + "/pipe"] + common)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while (try? LoadReport(json: bytes)) == nil {
      let count = read(reader, &buffer, buffer.count)
      if count > 0 { bytes += buffer[..<count] } else { try await ContinuousClock().sleep(for: .milliseconds(5)) }
    }
    #expect(try await piped.status == 0)
    close(reader)
    // Nobody reads it now.
    let unread = try await load(["--report", folder + "/pipe"] + common)
    #expect(unread.status == 2 && unread.errors.contains("nobody reads it"), "\(unread.errors)")
    let isMade = mknod(folder + "/null", S_IFCHR | 0o666, 0x103) == 0
    #expect(isMade || errno == EPERM)
    let hasDevice = try Prerequisite.isMet(isMade, "the right to make a device, as root has it")
    for name in ["/dev/null"] + (hasDevice ? [folder + "/null"] : []) {
      #expect(try await load(["--report", name] + common).status == 0)
      #expect(
        try FileManager.default.attributesOfItem(atPath: name)[.type] as? FileAttributeType == .typeCharacterSpecial)
    }
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
      let ended = try await load(["--json", name] + common)
      #expect(ended.status == 0 && ended.errors.hasPrefix("load: passed"), "\(name): \(ended.errors)")
      #expect(try LoadReport(json: ended.output.utf8).totals.completed == 1)
    }
    let full = try await load(["--json", "/dev/full"] + common)
    #expect(full.status == 74 && full.errors.contains("/dev/full: the result cannot be written"), "\(full.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".new") } == [])
  }

  @Test(
    "sizes and times are written as in a configuration, and beside that with one letter; what is not is told in words")
  func quantities() async throws {
    for size in ["4096", "64 KiB", "2GiB", "1 MB", "3TB", "64k", "64K", "1m", "1 B"] {
      let ended = try await load(["--clients", "1", "--size", size])
      #expect(ended.status == 2 && ended.errors.contains("no target"), "\(size): \(ended.errors)")
    }
    for (size, words) in [
      ("1.5 KiB", "write `1536 B`"), ("1kb", "write `1 KiB` (1024) or `1 KB` (1000)"), ("1kib", "powers of"),
      ("0", "is nothing"), ("-1", "not a size"), ("many", "is not a size"), ("9223372036854775807 KiB", "2^63-1"),
    ] {
      let ended = try await load(["--clients", "1", "--size=\(size)"])
      #expect(ended.status == 64 && ended.errors.contains(words), "\(size): \(ended.errors)")
    }
    for time in ["1500ms", "10", "10s", "5m", "2h", "1d"] {
      let ended = try await load(["--clients", "1", "--duration", time])
      #expect(ended.status == 2 && ended.errors.contains("no target"), "\(time): \(ended.errors)")
    }
    for (time, words) in [("1.5s", "write a whole number of a smaller unit"), ("1x", "write the unit as")] {
      let ended = try await load(["--clients", "1", "--duration", time])
      #expect(ended.status == 64 && ended.errors.contains(words), "\(time): \(ended.errors)")
    }
    let gateway = try GatewayPlace()
    for (size, bytes) in [("1 KB", 1000), ("1 KiB", 1024), ("1k", 1024)] {
      let ended = try await load(
        ["-q", "--clients", "1", "--count", "1", "--size", size, "--json", "-", "--ca", Certificates.ca, gateway.url])
      #expect(try LoadReport(json: ended.output.utf8).totals.completedBytes == bytes)
    }
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

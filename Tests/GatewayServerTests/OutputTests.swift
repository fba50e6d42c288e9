import XStream
import Foundation
import Glibc
import Testing
import XStreamClient

/// What becomes of the commands' output where nobody takes it.
@Suite(.timeLimit(.minutes(1))) struct OutputTests {
  /// Runs the command with a redirection of the shell's.
  private func run(_ arguments: [String], _ redirection: String, in folder: GatewayFolder) async throws
    -> Program.Result
  {
    try await Program.run(["sh", "-c", "exec \"$@\" \(redirection)", "sh", SluiceBinary.path] + arguments, in: folder)
  }

  @Test(
    "every command whose output cannot be written says so in one line and fails",
    arguments: [
      (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
      ("</dev/null >&0", "Bad file descriptor"),
    ])
  func unwritable(redirection: String, cause: String) async throws {
    try await withGateway { gateway in
      let folder = gateway.folder
      let config = try folder.write("sluice.yaml", GatewaySetup().yaml)
      let file = try folder.write("file", "some bytes")
      let trust = ["--ca", TestCertificates.ours.ca]
      let url = try gateway.url().description
      for arguments in [
        ["--help"], ["--version"], ["help", "send"], ["load", "--help"], ["--generate-completion-script", "zsh"],
        ["send"] + trust + [file, url], ["send", "--json"] + trust + [file, url],
        ["uploads", "--config", config], ["uploads", "--json", "--config", config], ["quota", "--config", config],
        ["quota", "rescan", "--config", config], ["check", "--config", config],
        ["check", "--ledger", "--config", config],
        ["load", "-q", "--clients", "1", "--count", "2", "--json", "-"] + trust + [url],
        ["load", "-q", "--clients", "1", "--count", "2"] + trust + [url],
      ] {
        let result = try await run(arguments, redirection, in: folder)
        #expect(result.status == 74, "\(arguments): \(result.errors)")
        let lines = result.errors.split(separator: "\n").filter { $0.contains(cause) }
        #expect(lines == ["sluice: standard output cannot be written: \(cause)"], "\(arguments): \(result.errors)")
      }
    }
  }

  @Test("a reader that goes away ends a command without a word, as SIGPIPE does; where that is ignored it is an error")
  func brokenPipe() async throws {
    let folder = try GatewayFolder()
    let pipe = "import os, subprocess, sys\nr, w = os.pipe()\nos.close(r)\n"
    for (restored, status) in [("True", "-13"), ("False", "74")] {
      let result = try await Program.run(
        [
          "python3", "-c",
          pipe + "print(subprocess.call(sys.argv[1:], stdout=w, restore_signals=\(restored)))", SluiceBinary.path,
          "--help",
        ], in: folder)
      #expect(result.output == status + "\n", "\(result.errors)")
      #expect(result.errors.isEmpty == (restored == "True"), "\(result.errors)")
    }
  }

  @Test("a failure keeps its own status, also where its words cannot be written")
  func failure() async throws {
    let folder = try GatewayFolder()
    for (arguments, status): ([String], Int32) in [
      (["check", "--config", "missing.yaml"], 1), (["frobnicate"], 64), (["load"], 64),
    ] {
      #expect(try await run(arguments, ">/dev/full 2>/dev/full", in: folder).status == status, "\(arguments)")
    }
  }

  @Test("no file gets the number of a standard stream that was closed")
  func closedStreams() async throws {
    let setup = GatewaySetup()
    let folder = try GatewayFolder()
    let gateway = try GatewayProcess(setup, in: folder, wrapper: ["sh", "-c", "exec \"$@\" <&- 2>&-", "sh"])
    try await gateway.start()
    let process = try #require(gateway.program?.id)
    for stream in [0, 2] {
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/fd/\(stream)") == "/dev/null")
    }
    let sent = try await sluice(
      ["send", "--ca", TestCertificates.ours.ca, folder.write("file", "some bytes"), gateway.url().description],
      in: folder)
    #expect(sent.status == 0, "\(sent.errors)")
    #expect(await gateway.terminate()?.status == 0)
  }

  @Test("output that somebody else made non-blocking is written whole")
  func nonBlocking() async throws {
    let folder = try GatewayFolder()
    let script = """
      import fcntl, os, subprocess, sys
      r, w = os.pipe()
      fcntl.fcntl(w, 1031, 4096)  # F_SETPIPE_SZ
      os.set_blocking(w, False)
      p = subprocess.Popen(sys.argv[1:], stdout=w)
      os.close(w)
      taken = b""
      while part := os.read(r, 4096): taken += part
      print(p.wait(), taken == subprocess.check_output(sys.argv[1:]), len(taken) > 4096)
      """
    let result = try await Program.run(
      ["python3", "-c", script, SluiceBinary.path, "--generate-completion-script", "bash"], in: folder)
    #expect(result.output == "0 True True\n", "\(result.output) \(result.errors)")
  }
}

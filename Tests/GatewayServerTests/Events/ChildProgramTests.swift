import Foundation
import OperatingSystem
import Testing

/// Programs that the gateway starts, by /bin/sh.
@Suite(.timeLimit(.minutes(1))) struct ChildProgramTests {
  private func run(
    _ script: String, input: [UInt8] = [], limit: Duration = .seconds(20), outputLimit: Int = 1024,
    in programs: RunningPrograms = RunningPrograms()
  ) -> ChildProgram.Outcome {
    ChildProgram(["/bin/sh", "-c", script], environment: ["A=b"], limit: limit, outputLimit: outputLimit)
      .run(input, in: programs)
  }

  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("a program gets its input whole, and what it says and how it ends is told") func ends() {
    let input = [UInt8](repeating: 65, count: 1 << 20)
    #expect(text(run("wc -c", input: input).output).split(separator: " ").first == "1048576\n")
    let failed = run("echo told; echo why >&2; exit 3")
    #expect(failed.end == .exited(3) && text(failed.output) == "told\n" && text(failed.errors) == "why\n")
    #expect(run("kill -TERM $$").end == .signalled(SIGTERM))
    let missing = ChildProgram(["/nowhere/at-all"], limit: .seconds(1)).run([], in: RunningPrograms())
    guard case .failed = missing.end else {
      Issue.record("\(missing)")
      return
    }
  }

  @Test("a program has no more than it is given: three files, the root folder, and an environment of four")
  func isClean() throws {
    let said = text(run("pwd; ls /proc/self/fd | wc -l; env | sort; cat /proc/self/status | grep Sig").output)
    let lines = said.split(separator: "\n")
    #expect(lines.first == "/")
    // With the folder that is being listed.
    #expect(lines.dropFirst().first == "4", "\(said)")
    #expect(said.contains("A=b\nLANG=C.UTF-8\n") && !said.contains("HOME="))
    #expect(said.contains("SigBlk:\t0000000000000000"))
    let ignored = lines.first { $0.hasPrefix("SigIgn:\t") }.flatMap { UInt64($0.dropFirst(8), radix: 16) }
    // glibc keeps the two for itself that its threads are told things by (32 and 33).
    #expect(try #require(ignored) & ~(3 << 31) == 0, "\(said)")
  }

  @Test("what it says beyond the bound is dropped, and does not hold it up") func bounds() {
    let outcome = run("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2", outputLimit: 10)
    #expect(outcome.end == .exited(0) && outcome.output.count == 10 && outcome.errors.count <= 1024)
  }

  @Test("a program that takes too long is ended, with what it has started") func limits() async throws {
    let file = NSTemporaryDirectory() + "sluice-child-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: file) }
    #expect(run("sleep 60 & echo $! > \(file); wait", limit: .milliseconds(500)).end == .overdue)
    let child = try #require(Int32(try String(contentsOfFile: file, encoding: .utf8).dropLast()))
    #expect(await eventually { kill(child, 0) != 0 || isZombie(child) })
  }

  private func isZombie(_ process: Int32) -> Bool {
    ((try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? "").contains(") Z ")
  }

  @Test("programs that run are ended where nobody wants them any more, and none begins") func stops() async throws {
    let programs = RunningPrograms()
    let file = NSTemporaryDirectory() + "sluice-child-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: file) }
    let outcome = await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: run("echo > \(file); sleep 60", in: programs)) }.start()
      Thread {
        while !FileManager.default.fileExists(atPath: file) { usleep(1000) }
        programs.stop()
      }.start()
    }
    #expect(outcome.end == .stopped)
    #expect(run("exit 0", in: programs).end == .stopped)
  }
}

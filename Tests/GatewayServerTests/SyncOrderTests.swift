import Foundation
import NIOCore
import TestPrerequisites
import Testing
import XStreamClient

/// A byte is acknowledged after it is on disk and the ledger has recorded so, in this order: seen from the kernel.
@Suite(.timeLimit(.minutes(1))) struct SyncOrderTests {
  /// A system call that touches a file or a socket, in the order of their ends.
  private struct Call {
    let name: String
    let target: String
    let line: String
  }

  private static let calls =
    "fdatasync,fsync,rename,renameat,renameat2,linkat,write,writev,sendto,sendmsg,pwrite64,pwritev"

  /// With `-y` descriptors are printed with what they stand for. Calls of several threads are printed in two parts where
  /// they overlap; what counts for a sync is its end, and for a write to the socket its begin.
  private func read(_ trace: String) -> [Call] {
    var begun: [Substring: Substring] = [:]
    var calls: [Call] = []
    for line in trace.split(separator: "\n") {
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else { continue }
      var text = parts[1].drop { $0 == " " }
      let unfinished = " <unfinished ...>"
      if text.hasSuffix(unfinished) {
        if isToClient(text) { calls.append(call(text)) } else { begun[parts[0]] = text.dropLast(unfinished.count) }
        continue
      }
      if text.hasPrefix("<...") {
        guard let first = begun.removeValue(forKey: parts[0]) else { continue }
        text = first + (text.firstIndex(of: ">").map { text[text.index(after: $0)...] } ?? "")
      }
      calls.append(call(text))
    }
    return calls
  }

  private func isToClient(_ text: Substring) -> Bool { text.contains("<socket:[") || text.contains("<TCP") }

  private func call(_ text: Substring) -> Call {
    let name = text.prefix { $0 != "(" }
    // Of a rename, all of it; else the first argument.
    let arguments = text.dropFirst(name.count)
    let target = name.hasPrefix("rename") || name == "linkat" ? arguments : arguments.prefix { $0 != "," && $0 != ")" }
    return Call(name: String(name), target: String(target), line: String(text))
  }

  @Test(
    "file, then ledger, then the packet: for progress and for the final, whose record is flushed after it",
    .enabled(if: try Prerequisite.isMet(SyncOrderTests.canTrace, "strace, and the right to trace")))
  func order() async throws {
    let (gateway, tracePath) = try await tracedGateway()
    let client = try await RawClient.connect(gateway.port)
    try await client.open(total: "200000", ack: 1)
    let key = try #require(await client.packet()?["x-stream-key"])
    try await client.send(pattern(100_000))
    while let progress = await client.packet(), progress["x-stream-offset"] != "100000" {}
    let atProgress = try String(contentsOfFile: tracePath, encoding: .utf8)
    try await client.send(pattern(100_000))
    #expect(await client.answer()?.headers["status"] == "0")
    let atFinal = try String(contentsOfFile: tracePath, encoding: .utf8)
    let isFlushed = try await eventually {
      let all = try String(contentsOfFile: tracePath, encoding: .utf8)
      return read(String(all.dropFirst(atFinal.count))).contains {
        $0.name == "fdatasync" && $0.target.contains("ledger.sqlite-wal")
      }
    }
    #expect(isFlushed)
    client.channel.close(promise: nil)
    _ = await gateway.terminate()

    // From the part's first bytes on: its data, and its name; then the ledger; and only then a packet.
    let calls = read(atProgress)
    let first = try #require(calls.firstIndex { $0.name == "pwritev" && $0.target.contains("/.partial/" + key) })
    try expectOrder(
      calls[first...],
      [
        ("the part's data", { $0.name == "fdatasync" && $0.target.contains("/.partial/" + key) }),
        ("the part's name", { $0.name == "fsync" && $0.target.hasSuffix("/.partial>") }),
        ("the ledger", { $0.name.hasSuffix("sync") && $0.target.contains("ledger.sqlite-wal") }),
        ("the progress packet", isPacket),
      ])
    let later = String(atFinal.dropFirst(atProgress.count))
    try expectOrder(
      read(later)[...],
      [
        ("the file's data", { $0.name == "fsync" && $0.target.contains("/.partial/" + key) }),
        ("its place", { $0.name.hasPrefix("rename") && $0.target.contains(key) }),
        ("the place's folder", { $0.name == "fsync" && $0.target.hasSuffix("/uploads>") }),
        ("the ledger", { $0.name == "pwrite64" && $0.target.contains("ledger.sqlite-wal") }),
        ("the final", isPacket),
      ])
  }

  @Test(
    "the ledger's record of an upload is on the disk before its file gets a final name, also of one that is over at once",
    .enabled(if: try Prerequisite.isMet(SyncOrderTests.canTrace, "strace, and the right to trace")),
    arguments: [1000, 200_000])
  func recordBeforeName(size: Int) async throws {
    let (gateway, tracePath) = try await tracedGateway()
    let client = try await RawClient.connect(gateway.port)
    try await client.open(total: "\(size)")
    let key = try #require(await client.packet()?["x-stream-key"])
    let atOffer = try String(contentsOfFile: tracePath, encoding: .utf8)
    try await client.send(pattern(size))
    #expect(await client.answer()?.headers["status"] == "0")
    let atFinal = try String(contentsOfFile: tracePath, encoding: .utf8)
    client.channel.close(promise: nil)
    _ = await gateway.terminate()

    let isLog = { (call: Call) in call.target.contains("ledger.sqlite-wal") }
    let calls = read(atFinal)
    let offered = read(atOffer).count
    let record = try #require(calls[..<offered].lastIndex { $0.name == "pwrite64" && isLog($0) })
    let name = try #require(calls.firstIndex { $0.name.hasPrefix("rename") && $0.target.contains(key) })
    #expect(
      calls[record..<name].contains { $0.name.hasSuffix("sync") && isLog($0) },
      "\(calls[record...].map(\.line).joined(separator: "\n"))")
  }

  /// A gateway that listens, and the file that its calls are written to.
  private func tracedGateway() async throws -> (gateway: GatewayProcess, tracePath: String) {
    let folder = try GatewayFolder()
    let tracePath = folder.path + "/trace"
    // -D leaves the gateway the process that was started, so that signals reach it.
    let gateway = try GatewayProcess(
      in: folder, wrapper: ["strace", "-D", "-f", "-y", "-s", "0", "-o", tracePath, "-e", "trace=" + Self.calls])
    try await gateway.start()
    return (gateway, tracePath)
  }

  private func isPacket(_ call: Call) -> Bool { isToClient(call.line[...]) }

  /// Each step comes after the one before, and nothing is sent to the client before the last.
  private func expectOrder(_ calls: ArraySlice<Call>, _ steps: [(name: String, isIt: (Call) -> Bool)]) throws {
    var rest = calls
    for step in steps {
      let isLast = step.name == steps.last?.name
      let index = rest.firstIndex(where: step.isIt)
      let inOrder = index != nil && (isLast || !rest[..<(index ?? rest.startIndex)].contains(where: isPacket))
      #expect(inOrder, "\(step.name) does not come in its place: \(calls.map(\.line).joined(separator: "\n"))")
      guard inOrder, let index else { return }
      rest = rest[(index + 1)...]
    }
  }

  private static let canTrace: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["strace", "-o", "/dev/null", "true"]
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
}

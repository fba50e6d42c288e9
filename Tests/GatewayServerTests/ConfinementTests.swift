import ConfigurationReading
import Foundation
import NIOCore
import OperatingSystem
import TestPrerequisites
import Testing
import XStream

@testable import GatewayServer

/// What a gateway can still reach when somebody has taken it over, against this machine's kernel.
@Suite(.timeLimit(.minutes(1))) struct ConfinementTests {
  /// Runs `body` on a thread of its own: the kernel confines threads, and the tests go on.
  private func onThreadOfItsOwn<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
      Thread { continuation.resume(returning: body()) }.start()
    }
  }

  private func canKernel() throws -> Bool { try Prerequisite.isMet(Landlock.version != nil, "a kernel with Landlock") }

  private struct Findings: Sendable, Equatable {
    var makesInStore: Bool
    var makesBeside: Bool
    var readsFile: Bool
    var readsBeside: Bool
    var writesWhatItReads: Bool
  }

  @Test("what is not named cannot be read, and what is read cannot be written")
  func places() async throws {
    guard try canKernel() else { return }
    let folder = try GatewayFolder()
    for name in ["store", "settings", "other"] {
      try FileManager.default.createDirectory(atPath: folder.path + "/" + name, withIntermediateDirectories: true)
    }
    try folder.write("settings/file", "a")
    try folder.write("other/file", "a")
    let path = folder.path
    let found = await onThreadOfItsOwn { () -> Findings? in
      let places = [Landlock.Place(path + "/store", .write), .init(path + "/settings", .read)]
      guard (try? Landlock.restrict(to: places, .init(listening: [], connects: false))) != nil else { return nil }
      func opens(_ name: String, _ flags: CInt) -> Bool {
        let file = open(path + name, flags | O_CLOEXEC, 0o600)
        if file >= 0 { close(file) }
        return file >= 0
      }
      return Findings(
        makesInStore: opens("/store/new", O_CREAT | O_WRONLY), makesBeside: opens("/new", O_CREAT | O_WRONLY),
        readsFile: opens("/settings/file", O_RDONLY), readsBeside: opens("/other/file", O_RDONLY),
        writesWhatItReads: opens("/settings/file", O_WRONLY))
    }
    #expect(
      found
        == Findings(
          makesInStore: true, makesBeside: false, readsFile: true, readsBeside: false, writesWhatItReads: false))
  }

  @Test("only the ports that are named can be listened on, and nobody is connected to")
  func ports() async throws {
    guard try Prerequisite.isMet((Landlock.version ?? 0) >= 4, "a kernel whose Landlock knows ports") else { return }
    let codes = await onThreadOfItsOwn { () -> [Int32] in
      guard (try? Landlock.restrict(to: [], .init(listening: [0], connects: false))) != nil else { return [] }
      func code(_ port: Int, _ call: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt) -> Int32 {
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: port) else { return -1 }
        let stream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(stream) }
        return address.withSockAddr { call(stream, $0, socklen_t($1)) == 0 ? 0 : errno }
      }
      return [code(0, bind), code(28_911, bind), code(9, connect)]
    }
    #expect(codes == [0, EACCES, EACCES])
  }

  @Test("a gateway confines all of its threads, says so, and does its work")
  func gateway() async throws {
    guard try canKernel() else { return }
    try await withGatewayProcess { gateway in
      let process = try #require(gateway.program?.id)
      #expect(gateway.log.contains("Gateway is confined to its own places"))
      let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
      #expect(threads.count > 1)
      for thread in threads {
        let status = try String(contentsOfFile: "/proc/\(process)/task/\(thread)/status", encoding: .utf8)
        #expect(status.contains("NoNewPrivs:\t1"), "\(thread)")
      }
      let limits = try String(contentsOfFile: "/proc/\(process)/limits", encoding: .utf8)
      let core = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
      #expect(core.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"])
      let file = try gateway.folder.write("file", Data(pattern(3_000_000)))
      let sent = try await sluice(
        ["send", "--ca", TestCertificates.ours.ca, file, gateway.url().description], in: gateway.folder)
      #expect(sent.status == 0, "\(sent.errors)")
      #expect(await gateway.terminate()?.status == 0)
    }
  }

  @Test("a gateway that root starts becomes its user, and keeps none of root's rights")
  func user() async throws {
    guard try Prerequisite.isMet(getuid() == 0 && getpwnam("nobody") != nil, "root, and the user `nobody`") else {
      return
    }
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.more = "user: nobody"
    // All that it names has to be the user's to read, and its folders to write.
    let certificates = folder.path + "/certificates"
    try FileManager.default.copyItem(atPath: TestCertificates.ours.directory, toPath: certificates)
    let nobody = try #require(getpwnam("nobody")).pointee
    for name in ["", "/certificates", "/certificates/server.key", "/certificates/server.pem"] {
      #expect(chown(folder.path + name, nobody.pw_uid, nobody.pw_gid) == 0)
    }
    setup.certificate = (certificates + "/server.pem", certificates + "/server.key")
    try await withGatewayProcess(setup, in: folder) { gateway in
      let process = try #require(gateway.program?.id)
      let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
      let lines = status.split(separator: "\n")
      func values(_ name: String) -> [Substring] {
        (lines.first { $0.hasPrefix(name + ":") } ?? "").split(whereSeparator: \.isWhitespace).dropFirst().map { $0 }
      }
      #expect(values("Uid") == Array(repeating: Substring("\(nobody.pw_uid)"), count: 4))
      #expect(values("Gid") == Array(repeating: Substring("\(nobody.pw_gid)"), count: 4))
      #expect(values("CapPrm") == ["0000000000000000"] && values("CapEff") == ["0000000000000000"])
      #expect(values("Groups").allSatisfy { $0 != "0" })
      #expect(await gateway.terminate()?.status == 0)
    }
  }

  @Test("what a configuration reaches is its stores, its state, and the folders of its files and their targets")
  func reach() throws {
    let folder = try GatewayFolder()
    var setup = GatewaySetup()
    setup.state = "var/state"
    let configuration = try setup.configuration(in: folder)
    let reach = ReachablePlaces(configuration)
    let written = Set(reach.places.filter { $0.right == .write }.map(\.path))
    #expect(written == [folder.path + "/var/state", folder.uploads].mapToCanonical())
    let read = Set(reach.places.filter { $0.right == .read }.map(\.path))
    #expect(read.isSuperset(of: [TestCertificates.ours.directory].mapToCanonical()))
    #expect(!read.contains("/") && !read.contains("/etc"))
    #expect(reach.ports == .init(listening: [0], connects: false))
    // A folder that is the gateway's as a whole may get other stores.
    setup.state = "state"
    let own = ReachablePlaces(try setup.configuration(in: folder))
    #expect(own.places.contains(.init([folder.path].mapToCanonical().first ?? "", .write)))
    var other = setup
    other.state = "var/state"
    other.routes += "  /other: {store: {directory: elsewhere}}\n  /pipe: {pipe: {to: 127.0.0.1:9}}\n"
    let changed = try other.configuration(in: folder)
    let lacks = reach.lacks(for: ReachablePlaces(changed))
    #expect(lacks.contains { $0.hasSuffix("/elsewhere") } && lacks.contains("connections to others"))
    let told = Confinement.unreachable(lacks, of: changed).faults
    let line = try #require(told.first { $0.message.hasSuffix("/elsewhere") }?.line)
    let lines = other.yaml.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(line > 0 && lines[line - 1].contains("directory: elsewhere"))
    #expect(reach.lacks(for: reach).isEmpty)
  }
}

extension [String] {
  fileprivate func mapToCanonical() -> Set<String> { Set(map { URL(filePath: $0).resolvingSymlinksInPath().path }) }
}

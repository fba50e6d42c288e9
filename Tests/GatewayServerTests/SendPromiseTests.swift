import XStream
import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStreamClient

/// What `sluice send` promises: no mixture of two versions, no upload that nobody can go on with, no byte left behind.
@Suite(.timeLimit(.minutes(2))) struct SendPromiseTests {
  private let trust = ["--ca", TestCertificates.ours.ca]

  /// No upload is over before the test has seen it, however seldom a busy machine lets it look.
  private var slow: GatewaySetup {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("limits: {bandwidth: 16 MiB/s}")
    return setup
  }

  private func objects(_ result: Program.Result) throws -> [[String: Any]] {
    try result.output.split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  private func partialSize(_ folder: GatewayFolder) -> Int {
    folder.names(in: folder.partial).reduce(0) { sum, name in
      let attributes = try? FileManager.default.attributesOfItem(atPath: folder.partial + "/" + name)
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }

  /// Starts to send, and stops it by the signal when the gateway has some of it.
  private func stopped(
    _ arguments: [String], by signal: Int32 = SIGTERM, in folder: GatewayFolder, environment: [String: String] = [:],
    at size: Int = 4 << 20
  ) async throws -> Program.Result {
    let send = try Program(
      [SluiceBinary.path, "send", "--json", "--ack", "1M"] + trust + arguments, environment: environment, in: folder)
    #expect(await eventually { partialSize(folder) > size }, "\(send.errors)")
    send.signal(signal)
    return await send.wait()
  }

  /// Overwrites a byte and puts the time of modification back.
  private func edit(_ path: String) throws {
    var status = stat()
    try #require(stat(path, &status) == 0)
    let file = try FileHandle(forUpdating: URL(filePath: path))
    try file.seek(toOffset: 10)
    try file.write(contentsOf: Data("edited".utf8))
    try file.close()
    var times = [status.st_atim, status.st_mtim]
    try #require(utimensat(AT_FDCWD, path, &times, 0) == 0)
  }

  @Test(
    "a file that is edited between two runs, its time put back, is sent anew, and its first upload given up",
    arguments: [[], ["--digest"]])
  func editedBetweenRuns(options: [String]) async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(pattern(32 << 20)))
      let first = try await stopped(options + [file, url], in: folder)
      #expect(first.status == 75)
      try edit(file)
      let second = try await sluice(["send", "--json"] + trust + options + [file, url], in: folder)
      #expect(second.status == 0 && second.errors.contains("beginning anew"), "\(second.errors)")
      let end = try #require(try objects(second).first)
      #expect(end["resumedFrom"] as? Int == 0)
      let key = try #require(end["key"] as? String)
      #expect(FileManager.default.contentsEqual(atPath: file, andPath: folder.uploads + "/" + key))
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("a file that is edited while it is sent is never stored as a mixture")
  func editedWithinTheRun() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(pattern(32 << 20)))
      let send = try Program([SluiceBinary.path, "send", "--json"] + trust + [file, url], in: folder)
      #expect(await eventually { partialSize(folder) > 4 << 20 })
      try edit(file)
      let result = await send.wait()
      #expect(result.status == 0 && result.errors.contains("beginning anew"), "\(result.errors)")
      let key = try #require(try objects(result).first?["key"] as? String)
      #expect(folder.names(in: folder.uploads) == [key])
      #expect(FileManager.default.contentsEqual(atPath: file, andPath: folder.uploads + "/" + key))
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("a file whose size has changed, or that is sent in another format, gives its earlier upload up")
  func anotherFile() async throws {
    var setup = slow
    setup.routes = GatewaySetup.plainRoute("limits: {bandwidth: 16 MiB/s}, formats: [bytes, text]")
    try await withGatewayProcess(setup) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(repeating: 65, count: 24 << 20))
      #expect(try await stopped([file, url], in: folder).status == 75)
      let former = folder.names(in: folder.partial)
      let send = try Program(
        [SluiceBinary.path, "send"] + trust + ["--format", "text", file, url], in: folder)
      #expect(await eventually { send.errors.contains("it was sent as bytes") }, "\(send.errors)")
      #expect(
        await eventually {
          folder.names(in: folder.partial).isDisjoint(with: former) && partialSize(folder) > 4 << 20
        })
      send.signal(SIGTERM)
      #expect(await send.wait().status == 75)
      try folder.expectSound(unfinished: 1)
      try folder.write("file", "short")
      let last = try await sluice(["send"] + trust + [file, url], in: folder)
      #expect(last.status == 0 && last.errors.contains("25165824 bytes"), "\(last.errors)")
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("a file that comes back at another place goes on where it was")
  func moved() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let files = FileManager.default
      for disk in ["one", "two"] {
        try files.createDirectory(atPath: folder.path + "/" + disk, withIntermediateDirectories: true)
      }
      let file = try folder.write("one/file", Data(pattern(32 << 20)))
      let first = try await stopped([file, url], in: folder)
      // A copy has another inode, and other times.
      try files.copyItem(atPath: file, toPath: folder.path + "/two/file")
      try files.removeItem(atPath: file)
      let moved = folder.path + "/two/file"
      #expect(try await sluice(["ask"] + trust + [moved, url], in: folder).status == 75)
      let second = try await sluice(["send", "--json"] + trust + [moved, url], in: folder)
      let end = try #require(try objects(second).first)
      #expect(end["resumedFrom"] as? Int ?? 0 > 0, "\(second.errors)")
      #expect(end["key"] as? String == (try objects(first).first?["key"] as? String))
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test(
    "an upload that no later run can go on with is given up when its command is stopped",
    arguments: [SIGINT, SIGTERM, SIGHUP], ["--no-resume", "no home", "unwritable"])
  func givenUp(signal: Int32, way: String) async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(pattern(32 << 20)))
      let environment =
        switch way {
        case "no home": ["XDG_STATE_HOME": "", "HOME": ""]
        case "unwritable": ["XDG_STATE_HOME": file]
        default: [String: String]()
        }
      let result = try await stopped(
        (way == "--no-resume" ? [way] : []) + [file, url], by: signal, in: folder, environment: environment)
      #expect(result.status == 75, "\(result.errors)")
      #expect(result.errors.contains("send it all from the beginning"), "\(result.errors)")
      try folder.expectSound(unfinished: 0)
    }
  }

  @Test("what comes from a pipe is given up when its command is stopped", arguments: [SIGTERM, SIGHUP])
  func pipeGivenUp(signal: Int32) async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let fifo = folder.path + "/fifo"
      try #require(mkfifo(fifo, 0o600) == 0)
      let writer = try FileHandle(forUpdating: URL(filePath: fifo))
      try writer.write(contentsOf: Data("some bytes".utf8))
      let send = try Program([SluiceBinary.path, "send"] + trust + [fifo, url], in: folder)
      #expect(await eventually { partialSize(folder) > 0 }, "\(send.errors)")
      send.signal(signal)
      #expect(await send.wait().status == 75)
      try folder.expectSound(unfinished: 0)
      try writer.close()
    }
  }

  @Test("a server that cannot be reached to give an upload up is named, with the command for later")
  func cannotBeGivenUp() async throws {
    try await withGatewayProcess(slow) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let file = try folder.write("file", Data(pattern(32 << 20)))
      let send = try Program([SluiceBinary.path, "send", "-q", "--no-resume"] + trust + [file, url], in: folder)
      #expect(await eventually { partialSize(folder) > 4 << 20 })
      await gateway.kill()
      send.signal(SIGTERM)
      let result = await send.wait()
      #expect(result.errors.contains("sluice give-up ") && result.errors.contains("quota"), "\(result.errors)")
    }
  }

  @Test("files without a size that can be trusted arrive whole")
  func withoutSize() async throws {
    try await withGateway { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      for path in ["/proc/version", "/sys/kernel/mm/transparent_hugepage/enabled"] {
        let result = try await sluice(["send", "--json"] + trust + [path, url], in: folder)
        let key = try #require(try objects(result).first?["key"] as? String)
        let reader = try FileHandle(forReadingFrom: URL(filePath: path))
        #expect(try Data(folder.stored(key)) == reader.readToEnd())
      }
      try await gateway.expectAtRest()
    }
  }

  @Test("a file name that is not UTF-8 can be sent, and its label is readable")
  func otherBytes() async throws {
    try await withGateway { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      let script = """
        printf content >"$1/a$(printf '\\351')b" && printf other >"$1/a$(printf '\\352')b" &&
        "$2" send --json --ca "$3" "$1/a$(printf '\\351')b" "$1/a$(printf '\\352')b" "$4"
        """
      let result = try await Program.run(
        ["sh", "-c", script, "sh", folder.path, SluiceBinary.path, TestCertificates.ours.ca, url], in: folder)
      #expect(result.status == 0, "\(result.errors)")
      let keys = try objects(result).compactMap { $0["key"] as? String }
      #expect(try keys.map { try String(buffer: folder.stored($0)) } == ["content", "other"])
      let labels = try folder.expectSoundQuota(route: "/upload-file").map(\.facts.label)
      #expect(labels == ["a\u{FFFD}b", "a\u{FFFD}b"])
      try await gateway.expectAtRest()
    }
  }

  @Test("what a terminal would act upon is escaped in JSON, and nothing is lost")
  func escapes() async throws {
    try await withGateway { gateway in
      let folder = gateway.folder
      let file = try folder.write("a\u{200D}b\u{1B}\u{202E}\u{E0001}", "x")
      let result = try await sluice(["send", "--json"] + trust + [file, gateway.url().description], in: folder)
      #expect(try objects(result).first?["file"] as? String == file)
      #expect(result.output.contains("a\\u200db\\u001b\\u202e\\udb40\\udc01"), "\(result.output)")
      try await gateway.expectAtRest()
    }
  }

  @Test("standard input that is closed, few descriptors, and a URL in the wrong place have words of their own")
  func words() async throws {
    try await withGateway { gateway in
      let (folder, url) = (gateway.folder, try gateway.url().description)
      func shell(_ script: String) async throws -> Program.Result {
        try await Program.run(
          ["bash", "-c", script, "bash", SluiceBinary.path, TestCertificates.ours.ca, url], in: folder)
      }
      let closed = try await shell(#"exec "$1" send --ca "$2" - "$3" <&-"#)
      #expect(closed.status == 1 && closed.errors.contains("Standard input is closed"), "\(closed.errors)")
      let few = try await shell(#"ulimit -n 16; exec "$1" send --ca "$2" "$2" "$3""#)
      #expect(few.status == 1 && few.errors.contains("ulimit -n"), "\(few.errors)")
      let swapped = try await shell(#"exec "$1" send --ca "$2" "$3" "$2""#)
      #expect(swapped.status == 64 && swapped.errors.contains("has to be the last word"), "\(swapped.errors)")
      let token = try await shell(#"exec "$1" send --ca "$2" --token-file <(printf '\xef\xbb\xbftoken\n') "$2" "$3""#)
      #expect(token.status == 0, "\(token.errors)")
      let route = try await sluice(
        ["send"] + trust + [TestCertificates.ours.ca, gateway.url("/b").description], in: folder)
      #expect(route.errors.contains("localhost:\(gateway.port) has no route /b"), "\(route.errors)")
      let noCA = try await sluice(["send", TestCertificates.ours.ca, url], in: folder)
      #expect(noCA.errors.contains("--ca FILE") && noCA.errors.contains("localhost:"), "\(noCA.errors)")
    }
  }

  @Test("an upload to a service whose stream is gone is begun anew by itself, and nothing of it is called safe")
  func pipedIsGone() async throws {
    let backend = try await PipeBackend.start()
    var setup = GatewaySetup()
    setup.routes += "  /ingest: {limits: {bandwidth: 16 MiB/s}, pipe: {to: [127.0.0.1:\(backend.port)]}}\n"
    try await withGatewayProcess(setup) { gateway in
      let (folder, url) = (gateway.folder, try gateway.url("/ingest").description)
      let file = try folder.write("file", Data(pattern(32 << 20)))
      let send = try Program([SluiceBinary.path, "send", "--json", "--ack", "1M"] + trust + [file, url], in: folder)
      #expect(await eventually { backend.connections.contains { $0.hasBegun } }, "\(send.errors)")
      send.signal(SIGTERM)
      #expect(await send.wait().status == 75)
      await gateway.kill()
      try await gateway.start()
      let second = try await sluice(["send", "--json"] + trust + [file, url], in: folder)
      #expect(second.status == 0 && second.errors.contains("beginning anew"), "\(second.errors)")
      #expect(try objects(second).first?["resumedFrom"] as? Int == 0)
      #expect(backend.connections.last?.bytes.readableBytes == 32 << 20)
    }
    try await backend.stop()
  }
}

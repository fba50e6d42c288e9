@testable import Forwarders
import Foundation
import GatewayCore
import NIOCore
import Testing

@Suite("Names of complete uploads")
struct NameTests {
  private let key = UploadKey.mint()
  // 2024-02-29T23:59:59.999Z
  private let leapDay = WallTime(milliseconds: 1_709_251_199_999)

  private func facts(label: String? = nil, owner: String = "") -> UploadFacts {
    UploadFacts(key: key, route: "/in", owner: owner, label: label, total: nil, createdAt: leapDay)
  }

  @Test("are made of what is known of an upload")
  func fills() throws {
    let place = try NameTemplate(parsing: "in/{date}/{client}/{name}-{key}.bin")
      .place(for: facts(label: "a/b.txt", owner: "token:backup"), suffix: ".gz")
    #expect(place.folders == ["in", "2024-02-29", "token:backup"])
    #expect(place.name == "a_b.txt-\(key.text).bin.gz")
    #expect(place.sidecar == place.name + ".json")
    let least = try NameTemplate(parsing: "{client}/{name}-{key}").place(for: facts(), suffix: "")
    #expect(least == FinalPlace(folders: ["anonymous"], name: "upload-\(key.text)"))
    #expect(NameTemplate.key.place(for: facts(label: "x"), suffix: "") == FinalPlace(folders: [], name: key.text))
  }

  @Test(
    "cannot be made to meet, to leave the directory, or to be longer than a file system takes",
    arguments: [
      "", "{name}", "{date}/{name}", "/{key}", "../{key}", "a/../{key}", "a//{key}", "{key}/", ".{key}",
      ".partial/{key}",
      "./{key}", "{key", "key}", "{Key}", "{key}{", "a}{key}", "{}", "{key}/\u{7}", "a\\{key}", "a\u{202E}{key}",
      "1/2/3/4/5/{key}", "{name}-{name}-{client}", "{name}{client}{name}{key}",
      String(repeating: "x", count: 241) + "/{key}",
    ])
  func refuses(_ text: String) {
    #expect(throws: NameTemplate.Fault.self) { try NameTemplate(parsing: text) }
  }

  @Test(
    "are made",
    arguments: ["{key}", "1/2/3/4/{key}", "{name}-{client}-{key}", "{key}/x", "ä {key}", "{date}{key}{key}"])
  func takes(_ text: String) throws {
    let place = try NameTemplate(parsing: text).place(
      for: facts(label: String(repeating: "é", count: 500), owner: String(repeating: "x", count: 500)), suffix: ".gz")
    #expect(place.path.utf8.count < 1024)
    #expect((place.folders + [place.sidecar]).allSatisfy { $0.utf8.count <= 255 })
  }

  @Test(
    "hold nothing of a client's label that a shell, a terminal or a file system could trip over",
    arguments: [
      (nil, "upload"), ("", "upload"), ("...", "upload"), ("..", "upload"), ("../../etc/passwd", "_.._etc_passwd"),
      (".hidden", "hidden"), ("-rf", "rf"), ("a\0b\nc\u{1B}d", "abcd"), ("a\\b", "a_b"), ("\u{202E}gnp.exe", "gnp.exe"),
      ("e\u{301}", "\u{E9}"), (" x y ", "x y "), ("报告.pdf", "报告.pdf"), ("/", "_"), ("\u{2028}", "upload"),
      (String(repeating: "a", count: 101), String(repeating: "a", count: 100)),
      (String(repeating: "é", count: 60), String(repeating: "é", count: 50)),
      (String(repeating: "€", count: 60), String(repeating: "€", count: 33)),
      ("a" + String(repeating: "\u{301}", count: 200), "upload"),
    ] as [(String?, String)])
  func safe(_ label: String?, _ expected: String) {
    let made = SafeName.make(label, otherwise: "upload")
    // Strings that differ in their bytes may be equal, and file names are bytes.
    #expect(Array(made.utf8) == Array(expected.utf8))
  }

  private func upload(_ count: Int, label: String? = "report \"q\".pdf") throws -> SinkUpload {
    SinkUpload(
      key: key, total: Int64(count), route: "/in", format: .bytes, label: label,
      client: .token(name: "backup"), createdAt: leapDay)
  }

  @Test(
    "lead into folders, are found after a crash, and go with the upload", .timeLimit(.minutes(1)), arguments: [nil, 6])
  func folders(level: Int?) async throws {
    let template = try NameTemplate(parsing: "{client}/{date}/{name}-{key}")
    let place = try DirectoryPlace {
      $0.name = template
      $0.engine = level.map { .zlib(level: $0) }
      $0.metadata = .sidecar
    }
    let upload = try upload(5000)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(5000))
    #expect(place.visibleNames == [])
    #expect(try await sink.finish() == nil)
    let folder = place.path + "/token:backup/2024-02-29"
    let name = "report \"q\".pdf-\(key.text)" + (level == nil ? "" : ".gz")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(Set(names) == [name, name + ".json"])
    #expect(place.partialNames == [])

    let restarted = try await place.store.recover([place.record(upload, committed: 100)])
    let file = try Data(contentsOf: URL(filePath: folder + "/" + name))
    #expect(restarted == [key: .complete(size: 5000, stored: level.map { _ in Int64(file.count) })])
    let record = place.record(upload, committed: 5000)
    #expect(place.settings.finalPath(of: record) == folder + "/" + name)
    #expect(try place.settings.isPresent(record))
    try await place.store.discard(key, on: sink.eventLoop).get()
    #expect(try !place.settings.isPresent(record))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
  }

  @Test("have a sidecar beside them that says what is there", .timeLimit(.minutes(1)), arguments: [nil, 6])
  func sidecar(level: Int?) async throws {
    let place = try DirectoryPlace {
      $0.metadata = .sidecar
      $0.engine = level.map { .zlib(level: $0) }
    }
    let upload = try upload(70_000)
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(pattern(70_000))
    _ = try await sink.finish()
    let final = place.path + "/" + key.text + (level == nil ? "" : ".gz")
    let data = try #require(FileManager.default.contents(atPath: final + ".json"))
    let fields = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(fields["route"] as? String == "/in")
    #expect(fields["key"] as? String == key.text)
    #expect(fields["name"] as? String == "report \"q\".pdf")
    #expect(fields["size"] as? Int == 70_000)
    #expect(fields["stored"] as? Int == FileManager.default.contents(atPath: final)?.count)
    let hash = try digest(of: pattern(70_000)).bytes.map { String(format: "%02x", $0) }.joined()
    #expect(fields["sha256"] as? String == hash)
    #expect(fields["format"] as? String == "bytes")
    #expect(fields["client"] as? String == "token:backup")
    #expect(fields["createdAt"] as? String == "2024-02-29T23:59:59.999Z")
    #expect((fields["finishedAt"] as? String)?.hasSuffix("Z") == true)
    let mode = try FileManager.default.attributesOfItem(atPath: final + ".json")[.posixPermissions] as? Int
    #expect(mode == 0o640)
  }

  @Test("are not taken, and their sidecar is not touched, where something is in their place", .timeLimit(.minutes(1)))
  func taken() async throws {
    let place = try DirectoryPlace { $0.metadata = .sidecar }
    try place.plant([42], complete: key)
    try Data([43]).write(to: URL(filePath: "\(place.path)/\(key.text).json"))
    let sink = try await SinkDriver.open(place.store, try upload(5))
    try await sink.write([1, 2, 3, 4, 5])
    try await sink.call { $0.finish() }
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("File exists") && !reason.contains(key.text))
    #expect(place.complete(key) == [42])
    #expect(FileManager.default.contents(atPath: "\(place.path)/\(key.text).json") == Data([43]))
  }

  @Test("do not lead out of the directory by a link that is in a folder's place", .timeLimit(.minutes(1)))
  func link() async throws {
    let template = try NameTemplate(parsing: "{date}/{key}")
    let place = try DirectoryPlace { $0.name = template }
    let outside = try DirectoryPlace.makeFolder()
    defer { try? FileManager.default.removeItem(atPath: outside) }
    try FileManager.default.createSymbolicLink(
      atPath: place.path + "/2024-02-29", withDestinationPath: outside)
    let sink = try await SinkDriver.open(place.store, try upload(5))
    try await sink.write([1, 2, 3, 4, 5])
    try await sink.call { $0.finish() }
    guard case .storage(let reason) = try await sink.failure() else { throw SinkDriver.Unexpected(event: nil) }
    #expect(reason.contains("no link"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == [])
    #expect(place.holdsUnfinished(key))
  }
}

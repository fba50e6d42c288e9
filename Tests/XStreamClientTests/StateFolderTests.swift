import Foundation
import NIOCore
import Testing
import XStream

@testable import XStreamClient

struct StateFolderTests {
  private let key = UploadHandle(XStreamClientTests.key)
  private let folder = StateFolder(path: NSTemporaryDirectory() + "sluice-state-\(UUID())/a/b")
  private let url: UploadURL

  init() throws {
    url = try UploadURL("xstream://host/a")
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  private func keeper(_ file: FileIdentity) -> UploadKeeper {
    UploadKeeper(folder, file: file, url: url, format: .bytes)
  }

  @Test("a key is found again for the same path and URL, whatever has become of the file, and for no other")
  func findsAgain() async throws {
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      #expect(folder.record(of: file, url: url) == nil)
      try folder.keep(StateFolder.Record(file: file, url: url, key: key))
      #expect(folder.record(of: file, url: url)?.key == key.text)
      #expect(folder.record(of: file, url: try UploadURL("xstream://host/b")) == nil)
      try append(1, to: path)
      #expect(folder.record(of: try FileIdentity(of: path), url: url)?.file == file)
      #expect(folder.record(ofFileAt: file.path, url: url)?.file == file)
    }
  }

  @Test("a file that has moved is found by its size and name; a copy of it is another file")
  func findsMoved() async throws {
    let root = NSTemporaryDirectory() + "sluice-moved-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for disk in ["one", "two"] {
      try FileManager.default.createDirectory(atPath: root + "/" + disk, withIntermediateDirectories: true)
      try Data(pattern(1000).readableBytesView).write(to: URL(filePath: "\(root)/\(disk)/file"))
    }
    try folder.keep(StateFolder.Record(file: FileIdentity(of: root + "/one/file"), url: url, key: key))
    let other = try FileIdentity(of: root + "/two/file")
    #expect(folder.record(of: other, url: url) == nil)
    try FileManager.default.removeItem(atPath: root + "/one")
    #expect(folder.record(of: other, url: url)?.key == key.text)
    // The upload goes on under the new path, and is kept there alone.
    let record = try #require(folder.record(of: other, url: url))
    let keeper = keeper(other)
    keeper.goesOn(with: record, proof: nil)
    keeper.offered(key)
    #expect(keeper.problem == nil && keeper.keeps(key))
    #expect(folder.record(ofFileAt: record.file.path, url: url) == nil)
  }

  @Test("folder and files are their owner's alone, and nothing is left when the upload is forgotten")
  func permissions() async throws {
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      let keeper = keeper(file)
      keeper.offered(key)
      keeper.sending(PrefixProof(end: 10, digest: Array(repeating: 7, count: 32)))
      #expect(keeper.problem == nil)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names.count == 2)
      #expect(try mode(folder.path) == 0o700)
      for name in names { #expect(try mode(folder.path + "/" + name) == 0o600) }
      keeper.forget(key)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test("the last proof is found again with its own key, and with no other")
  func proofs() async throws {
    let other = try #require(UploadHandle("ABCDEFGHIJKLMNOPQRST"))
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      let keeper = keeper(file)
      keeper.offered(key)
      let record = try #require(folder.record(of: file, url: url))
      #expect(folder.proof(of: record) == nil)
      for end in [Int64.max, 5] {
        let proof = PrefixProof(end: end, digest: Array(0..<32))
        keeper.sending(proof)
        #expect(folder.proof(of: record) == proof)
      }
      // What was sent is of the file, so a new key takes it over.
      keeper.offered(other)
      #expect(folder.proof(of: record) == nil)
      let second = try #require(folder.record(of: file, url: url))
      #expect(folder.proof(of: second)?.end == 5)
    }
  }

  @Test("a record of an earlier version is read")
  func earlierVersion() async throws {
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      try folder.keep(StateFolder.Record(file: file, url: url, key: key))
      let name = try #require(FileManager.default.contentsOfDirectory(atPath: folder.path).first)
      let old = """
        {"file":{"path":"\(file.path)","device":1,"inode":2,"size":10,"modified":3},"url":"\(url)","key":"\(key)"}
        """
      try Data(old.utf8).write(to: URL(filePath: folder.path + "/" + name))
      let record = try #require(folder.record(of: file, url: url))
      #expect(record.key == key.text && record.format == nil && record.file.changed == nil)
      #expect(folder.proof(of: record) == nil)
    }
  }

  @Test("only the own key is removed")
  func removes() async throws {
    let other = try #require(UploadHandle("ABCDEFGHIJKLMNOPQRST"))
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      try folder.keep(StateFolder.Record(file: file, url: url, key: key))
      folder.remove(other, ofFileAt: file.path, url: url)
      #expect(folder.record(of: file, url: url)?.key == key.text)
      folder.remove(key, ofFileAt: file.path, url: url)
      #expect(folder.record(of: file, url: url) == nil)
    }
  }

  @Test("a path that is not UTF-8 is kept as it is")
  func otherBytes() throws {
    let path = LocalPath(bytes: Array("/a/b".utf8) + [0xE9, 0xFF])
    let kept = try JSONDecoder().decode([LocalPath].self, from: JSONEncoder().encode([path, LocalPath("/é")]))
    #expect(kept == [path, LocalPath("/é")])
    #expect(path.name.bytes == Array("b".utf8) + [0xE9, 0xFF])
    #expect(LocalPath("/a/b/").name == LocalPath("b") && LocalPath("/").name == LocalPath("/"))
  }

  @Test("the user's folder follows the environment")
  func environment() {
    #expect(StateFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"])?.path == "/s/sluice")
    #expect(StateFolder(environment: ["XDG_STATE_HOME": "s", "HOME": "/h"])?.path == "/h/.local/state/sluice")
    #expect(StateFolder(environment: [:]) == nil)
  }
}

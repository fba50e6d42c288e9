import Foundation
import NIOCore
import Testing
import XStream
import XStreamClient

struct StateFolderTests {
  private let folder = StateFolder(path: NSTemporaryDirectory() + "sluice-state-\(UUID())/a/b")

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test("a key is found again for the same file and URL, and for no other")
  func findsAgain() async throws {
    let url = try XStreamURL("xstream://host/a")
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      #expect(folder.key(for: file, url: url) == nil)
      try folder.keep(StateFolder.Record(file: file, url: url, key: key))
      #expect(folder.key(for: file, url: url) == key)
      #expect(folder.key(for: file, url: try XStreamURL("xstream://host/b")) == nil)
      try append(1, to: path)
      #expect(folder.key(for: try FileIdentity(of: path), url: url) == nil)
      #expect(folder.record(ofFileAt: file.path, url: url)?.file == file)
    }
  }

  @Test("folder and files are their owner's alone, and nothing else is left in it")
  func permissions() async throws {
    let url = try XStreamURL("xstream://host/a")
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      for _ in 0..<2 { try folder.keep(StateFolder.Record(file: file, url: url, key: key)) }
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(names.count == 1)
      #expect(try mode(folder.path) == 0o700)
      #expect(try mode(folder.path + "/" + (names.first ?? "")) == 0o600)
    }
  }

  @Test("only the own key is removed")
  func removes() async throws {
    let url = try XStreamURL("xstream://host/a")
    let other = try #require(StreamKey("ABCDEFGHIJKLMNOPQRST"))
    try await withFile(pattern(10)) { path in
      let file = try FileIdentity(of: path)
      try folder.keep(StateFolder.Record(file: file, url: url, key: key))
      folder.remove(other, ofFileAt: file.path, url: url)
      #expect(folder.key(for: file, url: url) == key)
      folder.remove(key, ofFileAt: file.path, url: url)
      #expect(folder.key(for: file, url: url) == nil)
    }
  }

  @Test("the user's folder follows the environment")
  func environment() {
    #expect(StateFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"])?.path == "/s/sluice")
    #expect(StateFolder(environment: ["XDG_STATE_HOME": "s", "HOME": "/h"])?.path == "/h/.local/state/sluice")
    #expect(StateFolder(environment: [:]) == nil)
  }
}

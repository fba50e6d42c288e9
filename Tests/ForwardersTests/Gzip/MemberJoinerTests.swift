import Foundation
import GatewayCore
import Testing

@testable import Forwarders

@Suite("Joining the members of a gzip file", .timeLimit(.minutes(1)))
struct MemberJoinerTests {
  /// Takes `input` in pieces of at most `size` bytes.
  private func join(
    _ input: [UInt8], _ form: MemberJoiner.Form = .member, piecesOf size: Int = 1 << 16
  ) throws -> [UInt8] {
    let joiner = MemberJoiner(form)
    var output: [UInt8] = []
    for start in stride(from: 0, to: input.count, by: size) {
      try input[start..<min(start + size, input.count)].withUnsafeBytes { piece in
        try joiner.take(piece) { output += $0 }
      }
    }
    try joiner.finish { output += $0 }
    return output
  }

  /// What a reader makes of `bytes` that stops behind the first member.
  private func firstMember(of bytes: [UInt8]) throws -> [UInt8] {
    let script = "import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read(), 31))"
    return try Gunzip.run("python3", ["-c", script], input: bytes)
  }

  private func compressed(_ bytes: [UInt8], _ options: String...) throws -> [UInt8] {
    try Gunzip.run(options.first == "-z" ? "pigz" : "gzip", options.filter { $0 != "-z" } + ["-c"], input: bytes)
  }

  private func fault(_ body: () throws -> Void) -> MemberJoiner.Fault? {
    do {
      try body()
      return nil
    } catch {
      return error as? MemberJoiner.Fault
    }
  }

  @Test(
    "makes one member of a store's own file, for readers that stop behind the first",
    arguments: CompressionEngine.tested)
  func ownFiles(engine: CompressionEngine) async throws {
    let place = try DirectoryPlace { $0.engine = engine }
    let lines = Array((0..<150_000).map { "line \($0)\n" }.joined().utf8)
    let bytes = lines + pattern(300_000, seed: 1) + lines
    let upload = SinkUpload(key: .mint(), total: Int64(bytes.count))
    let sink = try await SinkDriver.open(place.store, upload)
    try await sink.write(bytes)
    _ = try await sink.finish()
    let file = Array(try Data(contentsOf: URL(filePath: "\(place.path)/\(upload.key.text).gz")))
    #expect(try GzipIndex.read("\(place.path)/\(upload.key.text).gz").members.count > 1)
    #expect(try firstMember(of: file).count < bytes.count)
    let joined = try join(file)
    #expect(try firstMember(of: joined) == bytes)
    #expect(joined.count < file.count + 100)
    #expect(try join(file, .contents) == bytes)
  }

  @Test("takes what other programs write, in pieces of any size", arguments: [1, 7, 4096, 1 << 20])
  func otherPrograms(size: Int) throws {
    let text = Array((0..<3000).map { "line \($0 * 7)\n" }.joined().utf8)
    let noise = pattern(5000, seed: 2)
    let parts: [([UInt8], [UInt8])] = [
      (text, try compressed(text, "-9")), (noise, try compressed(noise, "-1")), ([], try compressed([], "-6")),
      (text + noise, try compressed(text + noise, "-z", "-b", "32")), (text, try compressed(text, "-1")),
    ]
    let bytes = parts.flatMap(\.0)
    let file = parts.flatMap(\.1) + [UInt8](repeating: 0, count: 512)
    #expect(try firstMember(of: try join(file, piecesOf: size)) == bytes)
    #expect(try join(file, .contents, piecesOf: size) == bytes)
  }

  @Test("says where a file is damaged or ends too early")
  func damage() throws {
    let member = try compressed(Array(repeating: 7, count: 5000) + pattern(5000, seed: 3), "-6")
    #expect(fault { _ = try join([]) }?.reason == "there is nothing in it")
    #expect(fault { _ = try join(member.dropLast(1) + []) }?.offset == Int64(member.count - 1))
    #expect(fault { _ = try join(Array("plain".utf8)) }?.offset == 0)
    #expect(fault { _ = try join(member + [1]) }?.offset == Int64(member.count))
    #expect(fault { _ = try join(member + [0, 0x1F, 0x8B]) }?.reason == "something stands behind the end")
    for index in stride(from: 10, to: member.count, by: 101) {
      var broken = member
      broken[index] ^= 0x10
      #expect(fault { _ = try join(broken) } != nil, "byte \(index)")
    }
  }
}

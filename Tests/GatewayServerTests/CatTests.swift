import XStream
import Foundation
import XStreamClient
import Testing

/// `sluice cat` on files of the gateway's.
@Suite(.timeLimit(.minutes(1))) struct CatTests {
  private func cat(_ arguments: [String], _ redirection: String, in folder: GatewayFolder) async throws
    -> Program.Result
  {
    try await Program.run(
      ["sh", "-c", "exec \"$@\" \(redirection)", "sh", SluiceBinary.path, "cat"] + arguments, in: folder)
  }

  @Test("prints an upload as one member, and what is in it")
  func upload() async throws {
    var setup = GatewaySetup()
    setup.routes += "  /compressed: {store: {directory: compressed, gzip: 6}}\n"
    try await withGateway(setup) { gateway in
      let folder = gateway.folder
      let lines = (0..<200_000).map { "line \($0)\n" }.joined()
      let file = try folder.write("lines", lines)
      let sent = try await sluice(
        ["send", "--ca", TestCertificates.ours.ca, file, gateway.url("/compressed").description], in: folder)
      #expect(sent.status == 0, "\(sent.errors)")
      let name = try #require(folder.names(in: folder.path + "/compressed").first { $0.hasSuffix(".gz") })
      let stored = folder.path + "/compressed/" + name
      let contents = try await cat(["--contents", stored], "", in: folder)
      #expect(contents.status == 0 && contents.output == lines)
      // The reader stops behind the first member.
      let reader = "| python3 -c 'import sys, zlib; print(len(zlib.decompress(sys.stdin.buffer.read(), 31)))'"
      let joined = try await Program.run(
        ["sh", "-c", "\"$@\" \(reader)", "sh", SluiceBinary.path, "cat", stored], in: folder)
      #expect(joined.output == "\(lines.utf8.count)\n", "\(joined.errors)")
    }
  }

  @Test("says what is wrong with a file, and whether its output was written")
  func failures() async throws {
    let folder = try GatewayFolder()
    let plain = try folder.write("plain", "no gzip")
    let wrong = try await cat([plain], "", in: folder)
    #expect(wrong.status == 1 && wrong.errors.contains("byte 0: this is no header of a gzip member"))
    let missing = try await cat(["missing"], "", in: folder)
    #expect(missing.status == 1 && missing.errors.contains("missing: opening it failed: No such file"))
    let empty = try await Program.run(["sh", "-c", ": | gzip -c > empty.gz"], in: folder)
    #expect(empty.status == 0)
    #expect(try await cat(["empty.gz"], ">/dev/full", in: folder).status == 74)
  }
}

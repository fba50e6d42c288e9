import Foundation
import OperatingSystem
import Testing

/// Names of files that are not UTF-8.
@Suite(.timeLimit(.minutes(1))) struct FileNameTests {
  @Test(
    "every name has a text of its own, and comes back from it",
    arguments: [
      Array("plain".utf8), Array("naïve 😀".utf8), [0xE9], [0x61, 0xFF, 0xFE, 0x62], [0xF4, 0x8F, 0xBE, 0x80],
      [0xC3, 0xA9, 0xC3], [0xED, 0xA0, 0x80], [],
    ] as [[UInt8]])
  func roundTrip(bytes: [UInt8]) {
    let text = FileName.text(bytes)
    #expect(FileName.bytes(text) == bytes)
    #expect((text == String(decoding: bytes, as: UTF8.self)) == !FileName.hasStandIns(text))
  }

  @Test("a byte that is not UTF-8 is shown by its number")
  func shown() {
    #expect(FileName.shown(FileName.text([0x61, 0xE9, 0x2E])) == "a\\xE9.")
  }

  @Test("a configuration whose path is not UTF-8 is read, and what it names beside it is used")
  func commands() async throws {
    let folder = try GatewayFolder()
    try folder.write("source.yaml", GatewaySetup().yaml)
    let script = """
      d=$(printf 'fold\\351r'); mkdir "$d"; cp source.yaml "$d/$(printf '\\377').yaml"
      f=$d/$(printf '\\377').yaml
      "$0" check --config "$f" || exit 3
      "$0" check --config="$PWD/$f" || exit 4
      (cd "$d" && "$0" check --config *.yaml) || exit 5
      ls "$d" | wc -l
      "$0" check --config "$(printf '\\376')" && exit 6
      mkfifo out; (cd "$d"; exec "$0" serve --config *.yaml >../out) & exec 3<out; read line <&3; echo "$line"
      "$0" uploads --config "$f" || exit 7
      kill $!; wait $!
      [ -f "$d/state/ledger.sqlite" ] && [ -d "$d/uploads/.partial" ] || exit 8
      """
    let result = try await Program.run(["sh", "-c", script, SluiceBinary.path], in: folder)
    #expect(result.status == 0, "\(result.output) \(result.errors)")
    #expect(result.output.contains("fold\\xE9r/\\xFF.yaml: good") && result.output.contains("sluice listens on"))
    #expect(result.errors.contains("\\xFE: error: cannot be read: No such file"), "\(result.errors)")
  }
}

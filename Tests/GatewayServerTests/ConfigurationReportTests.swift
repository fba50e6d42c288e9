import ConfigurationReading
import GatewayServer
import Testing

@Suite struct ConfigurationReportTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  @Test("all faults of a file are reported at once, in the order of its lines, each with what to write instead")
  func everything() throws {
    try folder.write("more.txt", "good 00\n\none two three\n", mode: 0o600)
    let yaml = """
      listen: 0.0.0.0:8443
      tls:
        certificate: certs/dev/missing.pem
        privat-key: certs/dev/server.key
      routes:
        /upload-file:
          buffer: {min: 4 KiB, max: 1M}
          limits: {upload: 5 TiB}
          store: {directory: var/uploads}
        other:
          access: {tokens: more.txt}
          resume-for: 24
          streams: true
          streams: false
          store: {directory: var/uploads/other}
      widnow: 4 MiB
      """
    do throws(ConfigurationFaults) {
      _ = try folder.parse(yaml)
      Issue.record("loaded")
    } catch {
      let text = error.description.replacing(folder.path, with: "~")
      #expect(
        text == """
          sluice.yaml:2:1: error: `tls` has no `private-key`
            hint: add `private-key:` with a path
          sluice.yaml:3:16: error: `certificate`: cannot read `~/certs/dev/missing.pem`: No such file or directory
            hint: create the file, or name another
          sluice.yaml:4:3: error: unknown key `privat-key` in `tls`
            hint: did you mean `private-key`?
          sluice.yaml:6:3: error: `/upload-file` has no `access`, and `listen` lets the whole network in
            hint: write `access: anyone` if that is meant, or `access: {tokens: FILE}`
          sluice.yaml:7:31: error: `max`: `1M` may mean powers of 1000 or of 1024
            hint: write `1 MiB` (1024) or `1 MB` (1000)
          sluice.yaml:8:22: error: `upload` is above `held` (1 TiB): such an upload could never be taken
            hint: write at most 1 TiB, or raise `held`
          sluice.yaml:9:24: error: the folder of `/upload-file` contains that of `other` (line 15)
            hint: put them beside each other, not one into the other
          sluice.yaml:10:3: error: the route `other` does not begin with `/`
            hint: write `/other`
          sluice.yaml:12:17: error: `resume-for`: `24` has no unit
            hint: write `24s` for seconds, or another of ms, m, h, d
          sluice.yaml:14:5: error: `streams` stands twice in `other`, first on line 13
            hint: keep one of them
          sluice.yaml:16:1: error: unknown key `widnow` in the file
            hint: did you mean `window`?
          ~/more.txt:1:1: error: the second word is not a SHA-256 of 64 hexadecimal digits, nor what `sluice token add` writes
            hint: write what `printf %s TOKEN | sha256sum` prints, or run `sluice token add`
          ~/more.txt:3:1: error: the second word is not a SHA-256 of 64 hexadecimal digits, nor what `sluice token add` writes
            hint: write what `printf %s TOKEN | sha256sum` prints, or run `sluice token add`
          """)
    }
  }

  @Test("a key that stands three times is reported twice, quoted or not, and hides no other fault")
  func duplicates() {
    let faults = folder.faults(
      """
      tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key}
      memory: 1 GiB
      'memory': 2 GiB
      memory: 3 GiB
      routes:
        /a: {store: {directory: var/a}, store: {directory: var/b}}
        /a: {}
      threads: none
      """)
    #expect(faults.map(\.line) == [3, 4, 6, 7, 8])
    #expect(faults.prefix(4).allSatisfy { $0.message.contains("twice") })
    #expect(faults.map(\.column) == [1, 1, 35, 3, 10])
  }

  @Test("a file that is not there, or no file, is a fault of the file as a whole")
  func unreadable() throws {
    func description(_ path: String) -> String? {
      do throws(ConfigurationFaults) {
        _ = try Configuration.load(path: path)
        return nil
      } catch {
        return error.description.replacing(folder.path, with: "~")
      }
    }
    #expect(
      description(folder.path + "/none.yaml") == """
        ~/none.yaml: error: cannot be read: No such file or directory
          hint: create it, or name another file
        """)
    #expect(description(folder.path)?.contains("is not a file") == true)
    #expect(description("/dev/zero")?.contains("is not a file") == true)
    try folder.write("large.yaml", String(repeating: "#", count: (1 << 20) + 1))
    #expect(description(folder.path + "/large.yaml")?.contains("is larger than 1 MiB") == true)
  }

  @Test("what a file smuggles into a message reaches no terminal")
  func controls() throws {
    let faults = folder.faults(EmbeddedDefault.yaml + "\"a\\n\\e[31mb\": 1\n")
    #expect(
      faults.map { $0.description.split(separator: "\n")[0] }
        == ["sluice.yaml:15:1: error: unknown key `a\u{FFFD}\u{FFFD}[31mb` in the file"])
    #expect(faults[0].description.split(separator: "\n").count == 2)
  }

  @Test("a file that says nothing is told what to say", arguments: ["", "\n", "# only a comment\n", "---\n", "~\n"])
  func nothing(_ text: String) {
    let faults = folder.faults(text)
    #expect(faults.map(\.message) == ["the file says nothing"])
  }

  @Test(
    "what is not YAML is reported where the parser stopped, and never crashes",
    arguments: [
      ("a: [1\nb: 2\n", 2), ("a: b: c\n", 1), ("a: 1\n\tb: 2\n", 2), ("x: *nowhere\n", 1), ("a: 1\n---\nb: 2\n", 2),
      ("a: \u{1}\n", 1), ("ä: 1\nb: \u{85}\n", 2), ("- a\n", 1), ("plain\n", 1),
      (String(repeating: "[", count: 100_000), 1), (String(repeating: "{a: ", count: 100_000), 1), ("a: \u{FFFE}\n", 1),
    ])
  func notYAML(_ text: String, line: Int) {
    let faults = folder.faults(text)
    #expect(faults.map(\.line) == [line])
  }
}

import Foundation
import TestPrerequisites
import Testing

@testable import TLSTransport

/// What is in a PEM file and is not understood is told with its line, and never passed over.
@Suite struct PEMTests {
  let ours = Certificates.ours

  private enum Use: CaseIterable { case chain, key, authorities }

  private func withFile(_ content: [UInt8], _ body: (String) throws -> Void) throws {
    let path = ours.path(UUID().uuidString + ".test")
    try Data(content).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func use(_ content: String, as use: Use) throws -> (error: TLSConfigurationError?, path: String) {
    try self.use(Array(content.utf8), as: use)
  }

  private func use(_ content: [UInt8], as use: Use) throws -> (error: TLSConfigurationError?, path: String) {
    var found: (TLSConfigurationError?, String) = (nil, "")
    try withFile(content) { path in
      do {
        switch use {
        case .chain: _ = try TLSContext(server: .init(certificateChainFile: path, privateKeyFile: ours.serverKey))
        case .key: _ = try TLSContext(server: .init(certificateChainFile: ours.server, privateKeyFile: path))
        case .authorities: _ = try ours.clientContext(trust: .caFile(path))
        }
        found = (nil, path)
      } catch {
        found = (error as? TLSConfigurationError, path)
      }
    }
    return found
  }

  private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// A line of a file, and what becomes of it.
  struct Spoiling: Sendable, CustomTestStringConvertible {
    var name: String
    var line: String
    var become: String

    var testDescription: String { "\(name): \(become)" }
  }

  static let spoilings: [Spoiling] = {
    var all: [Spoiling] = []
    for word in ["BEGIN", "END"] {
      let line = "-----\(word) LABEL-----"
      func add(_ name: String, _ become: String) { all.append(Spoiling(name: name, line: line, become: become)) }
      add("a space in front", " " + line)
      add("a tab in front", "\t" + line)
      add("a quote sign", "> " + line)
      add("quotes", "\"\(line)\"")
      add("a dash less in front", String(line.dropFirst()))
      add("a dash less behind", String(line.dropLast()))
      add("no dashes behind", String(line.dropLast(5)))
      add("no dashes", String(line.dropFirst(5).dropLast(5)))
      add("a dash more", "-" + line)
      add("two dashes", "--\(word) LABEL--")
      add("dashes of a word processor", "———\(word) LABEL———")
      add("garbage behind", line + "x")
      add("base64 behind", line + "MIIB")
      add("a comma", line + ",")
      add("small letters", line.lowercased())
      add("two spaces", "-----\(word)  LABEL-----")
      add("spaces within", "----- \(word) LABEL -----")
      add("a word misspelt", "-----\(word.dropLast())X LABEL-----")
      add("a zero-width space", "\u{200b}" + line)
      add("a no-break space", "-----\(word)\u{a0}LABEL-----")
      add("a byte order mark", "\u{feff}" + line)
    }
    return all
  }()

  @Test("a first or last line that is spoilt is an error at its line, in each kind of file", arguments: spoilings)
  func spoilt(spoiling: Spoiling) throws {
    let name = spoiling.name
    for (use, path, label) in [
      (Use.chain, ours.server, "CERTIFICATE"), (.authorities, ours.ca, "CERTIFICATE"),
      (.key, ours.serverKey, "PRIVATE KEY"),
    ] {
      let good = try text(path)
      let line = spoiling.line.replacingOccurrences(of: "LABEL", with: label)
      let become = spoiling.become.replacingOccurrences(of: "LABEL", with: label)
        .replacingOccurrences(of: "label", with: label.lowercased())
      try #require(good.contains(line))
      let spoilt = good.replacingOccurrences(of: line, with: become)
      // Alone, and behind one that is good: then the good one alone would be taken.
      let before = use == .key ? "" : try text(use == .chain ? ours.server : ours.clientsCA)
      let linesBefore = before.split(separator: "\n").count
      for (content, offset) in [(spoilt, 0), (before + spoilt, linesBefore)] {
        let (error, path) = try self.use(content, as: use)
        guard case .notUnderstood(path, let place, _) = error else {
          Issue.record("\(name), \(use), \(offset): \(error.map { "\($0)" } ?? "taken")")
          continue
        }
        #expect(place > offset, "\(name), \(use): \(place)")
      }
    }
  }

  @Test("what is cut short, has no end, or is no base64 is an error")
  func insides() throws {
    let good = try text(ours.ca)
    let lines = good.split(separator: "\n").map(String.init)
    let cases: [(String, String, Int?)] = [
      ("no end", lines.dropLast().joined(separator: "\n") + "\n", 1),
      ("no end before the next", lines.dropLast().joined(separator: "\n") + "\n" + good, 1),
      ("no beginning", lines.dropFirst().joined(separator: "\n") + "\n", nil),
      ("a character gone", good.replacingOccurrences(of: lines[2], with: String(lines[2].dropLast())), lines.count),
      ("half a line gone", good.replacingOccurrences(of: lines[2], with: String(lines[2].dropLast(3))), lines.count),
      ("a strange character", good.replacingOccurrences(of: lines[2], with: "!" + lines[2].dropFirst()), 3),
      ("padding in the middle", good.replacingOccurrences(of: lines[2], with: lines[2].dropLast() + "="), 4),
      (
        "another label at the end", good.replacingOccurrences(of: "END CERTIFICATE", with: "END PUBLIC KEY"),
        lines.count
      ),
      ("nothing inside", "\(lines[0])\n\(lines[lines.count - 1])\n", 2),
      ("CR alone", good.replacingOccurrences(of: "\n", with: "\r"), 1),
      ("a byte order mark", "\u{feff}" + good, 1),
      ("a NUL between", good + "\u{0}\n" + good, lines.count + 1),
      ("an unknown label", good + good.replacingOccurrences(of: "CERTIFICATE", with: "CERTIFCATE"), lines.count + 1),
      ("a request", good + good.replacingOccurrences(of: "CERTIFICATE", with: "CERTIFICATE REQUEST"), lines.count + 1),
      ("OpenSSL's own form", good.replacingOccurrences(of: "CERTIFICATE", with: "TRUSTED CERTIFICATE"), 1),
      (
        "a list of revoked ones", good + good.replacingOccurrences(of: "CERTIFICATE", with: "X509 CRL"), lines.count + 1
      ),
      ("a private key", good + (try text(ours.serverKey)), lines.count + 1),
      ("headers", good.replacingOccurrences(of: "E-----\nM", with: "E-----\nProc-Type: 4,ENCRYPTED\n\nM"), 1),
    ]
    for (name, content, line) in cases {
      let (error, path) = try use(content, as: .authorities)
      guard case .notUnderstood(path, let place, let cause) = error else {
        Issue.record("\(name): \(error.map { "\($0)" } ?? "taken")")
        continue
      }
      if let line { #expect(place == line, "\(name): \(place)") }
      #expect(error?.description == "\(path):\(place): \(cause)")
      // The words have nothing of the file.
      #expect(!lines.dropFirst().dropLast().contains { cause.contains($0.prefix(20)) })
    }
  }

  @Test("UTF-16 is told as such")
  func wide() throws {
    var wide: [UInt8] = [0xff, 0xfe]
    for unit in try text(ours.ca).utf16 { wide += [UInt8(unit & 0xff), UInt8(unit >> 8)] }
    let (error, path) = try use(wide, as: .authorities)
    guard case .notUnderstood(path, 1, let cause) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(cause.contains("UTF-16"))
  }

  @Test("a certificate twice in a chain, and a second key, are errors; an authority twice is worth a warning")
  func repeated() throws {
    let (server, key, authority) = (try text(ours.server), try text(ours.serverKey), try text(ours.ca))
    let twice = try use(server + authority + server, as: .chain)
    let line = (server + authority).split(separator: "\n").count + 1
    guard case .notUnderstood(twice.path, line, _) = twice.error else {
      Issue.record("\(String(describing: twice.error))")
      return
    }
    guard case .notUnderstood = try use(key + key, as: .key).error else {
      Issue.record("two keys are taken")
      return
    }
    try withFile(Array((authority + authority).utf8)) { path in
      let context = try ours.clientContext(trust: .caFile(path))
      #expect(context.warnings == [.authorityRepeated(path: path, line: authority.split(separator: "\n").count + 1)])
    }
  }

  @Test("bytes behind a certificate's own, within its block, are an error")
  func garbageInside() throws {
    let file = try PEMReader.blocks(in: Array(text(ours.ca).utf8))
    let longer = Data(file[0].bytes + [0, 1, 2]).base64EncodedString(options: .lineLength64Characters)
    let content = "-----BEGIN CERTIFICATE-----\n\(longer)\n-----END CERTIFICATE-----\n"
    let (error, path) = try use(content, as: .authorities)
    guard case .notUnderstood(path, 1, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test("DER in place of PEM is told as such, with a command that makes PEM of it")
  func binary() throws {
    for (source, kind, use) in [
      (ours.ca, "x509", Use.authorities), (ours.server, "x509", .chain), (ours.serverKey, "pkey", .key),
    ] {
      let der = ours.path(UUID().uuidString + ".der")
      let made = run("openssl", [kind, "-in", source, "-outform", "DER", "-out", der])
      try #require(made.status == 0, "\(made.output)")
      let content = try Array(Data(contentsOf: URL(filePath: der)))
      let (error, path) = try self.use(content, as: use)
      guard case .notText(path, let remedy) = error else {
        Issue.record("\(kind): \(String(describing: error))")
        continue
      }
      #expect(remedy.hasPrefix("openssl \(kind) -inform DER -in \(path)"))
    }
  }

  @Test("what programs write around blocks, and line ends of other systems, are nothing to mind")
  func surroundings() throws {
    let good = try text(ours.ca)
    let key = try text(ours.serverKey)
    let printed = run("openssl", ["x509", "-in", ours.ca, "-text"]).output
    let curve = run("openssl", ["ecparam", "-name", "prime256v1"]).output
    #expect(printed.contains("Signature") && curve.contains("EC PARAMETERS"))
    let taken: [(Use, String)] = [
      (.authorities, good.replacingOccurrences(of: "\n", with: "\r\n")), (.authorities, printed),
      (.authorities, good.replacingOccurrences(of: "\n", with: " \t\n")), (.authorities, String(good.dropLast())),
      (.authorities, "# Root: développement\nCN = root\n====\n---\nCertificate chain\n" + good + "\n\nThe end of it\n"),
      (.authorities, "# -----BEGIN CERTIFICATE-----\n# MIIB\n" + good),
      (.authorities, good.replacingOccurrences(of: "CERTIFICATE", with: "X509 CERTIFICATE")),
      (.chain, try text(ours.server) + key), (.chain, key + (try text(ours.server))),
      (.key, (try text(ours.server)) + key),
      (.key, curve + key), (.key, "Bag Attributes\n    friendlyName: a key\nKey Attributes: <No Attributes>\n" + key),
    ]
    for (index, (use, content)) in taken.enumerated() {
      let (error, _) = try self.use(content, as: use)
      #expect(error == nil, "\(index): \(error.map { "\($0)" } ?? "")")
    }
  }

  @Test("every file of the system's authorities is taken")
  func systemBundle() throws {
    let bundle = "/etc/ssl/certs/ca-certificates.crt"
    guard try Prerequisite.isMet(FileManager.default.fileExists(atPath: bundle), bundle) else { return }
    _ = try ours.clientContext(trust: .caFile(bundle))
  }
}

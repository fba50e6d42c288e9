import NIOCore
import Testing

@testable import HTTPUpload

@Suite("MultipartMachine")
struct MultipartMachineTests {
  /// What a form was found to be, whatever the slices.
  private enum Outcome: Equatable {
    case parts([String])
    case malformed(MultipartFault)
    case unfinished
  }

  /// Feeds a form in slices. A part reads as its head's first value, a bar and its content; one that did not end has no
  /// bar at its end.
  private func read(_ slices: [[UInt8]], boundary: String = "b") throws -> Outcome {
    var machine = try MultipartMachine(boundary: boundary)
    var parts: [String] = []
    for slice in slices {
      machine.receive(ByteBuffer(bytes: slice))
      while let event = machine.next() {
        switch event {
        case .partBegins(let head): parts.append((head.fields.pairs.first?.value ?? "") + "|")
        case .bytes(let bytes):
          #expect(bytes.readableBytes > 0)
          parts[parts.count - 1] += String(buffer: bytes)
        case .partEnds: parts[parts.count - 1] += "|"
        case .allEnded:
          #expect(machine.finish() == nil)
          return .parts(parts)
        case .malformed(let fault):
          #expect(machine.next() == nil)
          return .malformed(fault)
        }
      }
    }
    #expect(machine.finish() == .malformed(.truncated))
    return .unfinished
  }

  private static let form =
    "--b\r\nA: 1\r\nX: y\r\n\r\nhello\r\n--\r\n-b\r\n--b\r\nA: 2\r\n\r\n\r\n"
    + "--b \t\r\nA:3\r\n\r\n\r\r\n\r\n--b\r\n\r\n\r\n-\r\n--b--\r\nend"
  private static let formParts = ["1|hello\r\n--\r\n-b|", "2||", "3|\r\r\n|", "|\r\n-|"]

  @Test("a form is the same in whichever two slices it comes")
  func twoSlices() throws {
    let bytes = Array(Self.form.utf8)
    for cut in 0...bytes.count {
      #expect(try read([Array(bytes[..<cut]), Array(bytes[cut...])]) == .parts(Self.formParts), "cut at \(cut)")
    }
  }

  @Test("a form is the same in slices of every length", arguments: 1...20)
  func equalSlices(length: Int) throws {
    let bytes = Array(Self.form.utf8)
    let slices = stride(from: 0, to: bytes.count, by: length).map { Array(bytes[$0..<min($0 + length, bytes.count)]) }
    #expect(try read(slices) == .parts(Self.formParts))
  }

  @Test("a form is the same in whichever three slices it comes")
  func threeSlices() throws {
    let bytes = Array("--b\r\nA: 1\r\n\r\n\r\n--\r\r\n--b--".utf8)
    for first in 0...bytes.count {
      for second in first...bytes.count {
        let slices = [bytes[..<first], bytes[first..<second], bytes[second...]].map { Array($0) }
        #expect(try read(slices) == .parts(["1|\r\n--\r|"]))
      }
    }
  }

  @Test(
    "content that looks like a delimiter is content",
    arguments: [
      "\r", "\r\n", "\r\n-", "\r\n--", "\r\r\n--", "x--b", "\n--b", "\r\n --b", "\r\n--\r\n--", "\r\n--c", "\r\n--\r",
      "-", "x--b--",
    ])
  func lookalikes(content: String) throws {
    let bytes = Array("--b\r\nA: 1\r\n\r\n\(content)\r\n--b--".utf8)
    for cut in 0...bytes.count {
      #expect(try read([Array(bytes[..<cut]), Array(bytes[cut...])]) == .parts(["1|\(content)|"]))
    }
    #expect(try read(bytes.map { [$0] }) == .parts(["1|\(content)|"]))
  }

  @Test("a boundary right behind a head ends a part without content")
  func emptyPart() throws {
    let bytes = Array("--b\r\nA: 1\r\n\r\n--b\r\n\r\n--b--".utf8)
    for cut in 0...bytes.count {
      #expect(try read([Array(bytes[..<cut]), Array(bytes[cut...])]) == .parts(["1||", "||"]))
    }
  }

  @Test("content goes out as slices of what came, without a copy")
  func slicesUncopied() throws {
    var machine = try MultipartMachine(boundary: "b")
    machine.receive(ByteBuffer(string: "--b\r\n\r\n"))
    guard case .partBegins = machine.next() else {
      Issue.record("no part")
      return
    }
    let content = ByteBuffer(repeating: 0x61, count: 4096)
    machine.receive(content)
    guard case .bytes(let bytes) = machine.next() else {
      Issue.record("no bytes")
      return
    }
    let same = bytes.withUnsafeReadableBytes { out in
      content.withUnsafeReadableBytes { $0.baseAddress == out.baseAddress }
    }
    #expect(same)
    #expect(machine.next() == nil)
  }

  @Test("no more is held back than a delimiter less a byte")
  func holdsBack() throws {
    var machine = try MultipartMachine(boundary: "b")
    machine.receive(ByteBuffer(string: "--b\r\n\r\n"))
    _ = machine.next()
    var given = 0
    for (place, byte) in "abc\r\n--\r\n--d".utf8.enumerated() {
      machine.receive(ByteBuffer(bytes: [byte]))
      while case .bytes(let bytes) = machine.next() { given += bytes.readableBytes }
      #expect(place + 1 - given <= 4)
    }
  }

  @Test("a preamble is too long in whichever slices it comes, and one byte less is not", arguments: [0, 1, 500, 2000])
  func longPreamble(cut: Int) throws {
    let form = "\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--"
    for (length, outcome) in [(1024, Outcome.parts(["1|x|"])), (1025, .malformed(.preamble))] {
      let bytes = Array((String(repeating: "x", count: length) + form).utf8)
      let place = min(cut, bytes.count)
      #expect(
        try read([Array(bytes[..<place]), Array(bytes[place...])]) == outcome, "\(length) bytes, cut at \(place)")
    }
  }

  @Test("a preamble and an epilogue are passed over")
  func surroundings() throws {
    #expect(try read([Array("hello\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n".utf8)]) == .parts(["|x|"]))
    #expect(try read([Array("\r\n--b--".utf8)]) == .parts([]))
    #expect(try read([Array("--b--".utf8)]) == .parts([]))
  }

  @Test(
    "a broken form is broken wherever it is cut",
    arguments: [
      (String(repeating: "x", count: 1100), .preamble), ("--bx\r\n", .delimiter), ("--b-x", .delimiter),
      ("--b\rx", .delimiter), ("--b \r\rx", .delimiter), ("--b\n", .delimiter), ("--b\r\nA\r\n\r\n", .head),
      ("--b\r\n: 1\r\n\r\n", .head), ("--b\r\nA : 1\r\n\r\n", .head), ("--b\r\nA: 1\r\n B\r\n\r\n", .head),
      ("--b\r\nA: 1\nB: 2\r\n\r\n", .head), ("--b\r\nA: \u{0}\r\n\r\n", .head),
      ("--b\r\nA: " + String(repeating: "x", count: 8200), .headTooLarge),
      ("--b" + String(repeating: " ", count: 80), .delimiter),
    ] as [(String, MultipartFault)])
  func broken(text: String, fault: MultipartFault) throws {
    let bytes = Array(text.utf8)
    for cut in stride(from: 0, through: bytes.count, by: max(1, bytes.count / 50)) {
      #expect(try read([Array(bytes[..<cut]), Array(bytes[cut...])]) == .malformed(fault))
    }
  }

  @Test("a form that ends before its last boundary is cut off")
  func truncated() throws {
    let bytes = Array(Self.form.utf8)
    let end = bytes.count - "--\r\nend".utf8.count
    for cut in 0...(end + 1) {
      #expect(try read([Array(bytes[..<cut])]) == .unfinished)
    }
  }

  @Test("a form has a thousand parts and no more")
  func manyParts() throws {
    let part = "--b\r\n\r\n\r\n"
    let most = String(repeating: part, count: 1000)
    #expect(try read([Array((most + "--b--").utf8)]) == .parts(Array(repeating: "||", count: 1000)))
    #expect(try read([Array((most + part).utf8)]) == .malformed(.tooManyParts))
  }

  @Test("a boundary has 1 to 70 characters and comes from the media type")
  func boundaries() throws {
    _ = try MultipartMachine(boundary: String(repeating: "x", count: 70))
    for bad in ["", String(repeating: "x", count: 71), "x ", "é"] {
      #expect(throws: HTTPProblem.badForm(.boundary)) { try MultipartMachine(boundary: bad) }
    }
    #expect(throws: HTTPProblem.badForm(.boundary)) {
      try MultipartMachine(of: ["Content-Type": "multipart/form-data"])
    }
    var machine = try MultipartMachine(of: ["Content-Type": "multipart/form-data; boundary=\"a b\""])
    machine.receive(ByteBuffer(string: "--a b--"))
    #expect(machine.next() == .allEnded)
  }

  @Test("a head tells what the part is")
  func heads() throws {
    var machine = try MultipartMachine(boundary: "b")
    machine.receive(
      ByteBuffer(
        string: "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"é.json\"\r\n"
          + "content-type: application/json\r\n\r\n"))
    guard case .partBegins(let head) = machine.next() else {
      Issue.record("no part")
      return
    }
    #expect(head.disposition?.label == "é.json")
    #expect(head.mediaType?.essence == "application/json")
  }
}

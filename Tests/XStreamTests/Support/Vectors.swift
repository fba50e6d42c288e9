import Foundation
import Testing

/// A fenced block of docs/protocol.md whose info string begins with `packet`.
struct Vector: CustomTestStringConvertible, Sendable {
  enum Kind: Equatable, Sendable {
    case client(String, isCanonical: Bool)
    case server(String)
    case malformed(reason: String)
  }

  var kind: Kind
  var bytes: [UInt8]
  var line: Int

  var testDescription: String { "docs/protocol.md:\(line)" }

  static let all: [Vector] = {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/protocol.md")
    guard let text = try? String(contentsOf: page, encoding: .utf8) else { fatalError("no \(page)") }
    return read(text)
  }()

  private static func read(_ text: String) -> [Vector] {
    var vectors: [Vector] = []
    var open: (info: String, line: Int, lines: [Substring])?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if let block = open {
        guard line == "```" else {
          open = (block.info, block.line, block.lines + [line])
          continue
        }
        vectors.append(Vector(block.info, block.lines, line: block.line))
        open = nil
      } else if line.hasPrefix("```packet ") {
        open = (String(line.dropFirst("```packet ".count)), index + 1, [])
      }
    }
    return vectors
  }

  private init(_ info: String, _ lines: [Substring], line: Int) {
    self.line = line
    var info = info[...]
    if info.hasPrefix("escaped ") {
      info = info.dropFirst("escaped ".count)
      bytes = Self.unescape(lines.joined())
    } else {
      bytes = lines.flatMap { Array($0.utf8) + [10] }
    }
    let words = info.split(separator: " ")
    switch words[0] {
    case "client": kind = .client(String(words[words.count - 1]), isCanonical: words[1] == "canonical")
    case "server": kind = .server(String(words[words.count - 1]))
    case "malformed:": kind = .malformed(reason: String(info.dropFirst("malformed: ".count)))
    default: fatalError("docs/protocol.md:\(line): an unknown kind of vector")
    }
  }

  private static func unescape(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      switch rest.popFirst() {
      case UInt8(ascii: "n"): bytes.append(10)
      case UInt8(ascii: "r"): bytes.append(13)
      case UInt8(ascii: "t"): bytes.append(9)
      case UInt8(ascii: "\\"): bytes.append(92)
      case UInt8(ascii: "x"):
        let hex = String(decoding: rest.prefix(2), as: UTF8.self)
        rest = rest.dropFirst(2)
        bytes.append(UInt8(hex, radix: 16) ?? 0)
      default: fatalError("an unknown escape")
      }
    }
    return bytes
  }
}

/// What an ICAP service answers, as it comes: its head (RFC 3507, section 4.3.3), the head of the answer within, and that
/// one's bytes, in chunks, which are counted.
struct ICAPAnswer {
  private enum Part {
    case heads
    case chunkSize
    /// So many bytes of a chunk, with the line end after it, are still to come.
    case chunk(Int)
    case over
  }

  /// Of both heads together, in bytes.
  private static let headLimit = 32 << 10

  private var part = Part.heads
  private var head: [UInt8] = []
  private var line: [UInt8] = []
  /// Bytes of the answer within.
  private var received = 0
  /// Of both heads, without their last empty lines.
  private var lines: [Substring] = []
  private var fault: String?

  /// Whether nothing that is still to come changes the verdict.
  var isOver: Bool { if case .over = part { true } else { false } }

  /// The next bytes.
  mutating func take(_ bytes: ArraySlice<UInt8>) {
    var rest = bytes
    while let byte = rest.first {
      switch part {
      case .heads: takeHead(byte)
      case .chunkSize: takeSize(byte)
      case .chunk(let left):
        let skipped = min(left, rest.count)
        part = left > skipped ? .chunk(left - skipped) : .chunkSize
        rest = rest.dropFirst(skipped)
        continue
      case .over: return
      }
      rest = rest.dropFirst()
    }
  }

  private mutating func takeHead(_ byte: UInt8) {
    head.append(byte)
    guard head.count <= Self.headLimit else { return end("its head is too long") }
    guard head.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return }
    let text = String(decoding: head, as: UTF8.self)
    lines += text.split(separator: "\r\n")
    head = []
    guard let first = lines.first, first.hasPrefix("ICAP/1.") else { return end("it does not speak ICAP") }
    // The second head is there, or there is none; what was found says everything.
    if within != nil {
      part = .chunkSize
    } else if status != 200 || !hasBody || found != nil {
      part = .over
    }
  }

  private mutating func takeSize(_ byte: UInt8) {
    line.append(byte)
    guard line.count < 1024 else { return end("its chunks cannot be read") }
    guard line.suffix(2).elementsEqual("\r\n".utf8) else { return }
    let digits = String(decoding: line.dropLast(2).prefix { $0 != UInt8(ascii: ";") }, as: UTF8.self)
    line = []
    guard let size = Int(digits, radix: 16), size >= 0, size < 1 << 40 else { return end("its chunks cannot be read") }
    received += size
    part = size == 0 ? .over : .chunk(size + 2)
  }

  private mutating func end(_ fault: String) {
    self.fault = fault
    part = .over
  }

  private var status: Int { Int(lines.first?.split(separator: " ").dropFirst().first ?? "") ?? 0 }

  private func field(_ name: String) -> String? {
    guard let line = lines.first(where: { $0.lowercased().hasPrefix(name + ":") }) else { return nil }
    return OneLine.of(Array(line.dropFirst(name.utf8.count + 1).utf8))
  }

  private var hasBody: Bool { field("encapsulated")?.contains("res-body") ?? false }

  /// The first line of the answer within.
  private var within: Substring? { lines.dropFirst().first { $0.hasPrefix("HTTP/") } }

  /// What scanners say beside RFC 3507, which has no word for it.
  private var found: String? { ["x-infection-found", "x-virus-id", "x-violations-found"].lazy.compactMap(field).first }

  /// What it says of a file of so many bytes.
  func verdict(onFileOf size: Int) -> CheckAnswer {
    if let fault { return .silent("the ICAP service: \(fault)") }
    if let found { return .found(found) }
    guard isOver else { return .silent("the ICAP service broke off its answer") }
    switch status {
    case 204: return .clean
    case 200:
      let code = within?.split(separator: " ").dropFirst().first ?? ""
      guard code == "200" else {
        return .found("the ICAP service answers \(OneLine.of(Array((within ?? "nothing").utf8)))")
      }
      // One that sends less than it got has stopped in the middle, or sends something else in its place.
      return received == size ? .clean : .found("the ICAP service sends \(received) bytes back, of \(size)")
    default: return .silent("the ICAP service answers \(OneLine.of(Array((lines.first ?? "").utf8)))")
    }
  }
}

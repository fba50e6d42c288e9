/// One block of a PEM file (RFC 7468): what stands between a BEGIN line and its END line.
struct PEMBlock {
  /// What kind of block it is, such as `CERTIFICATE`.
  let label: String
  /// The number of the BEGIN line, from 1.
  let line: Int
  /// What the base64 says.
  fileprivate(set) var bytes: [UInt8] = []
  /// Whether lines like `Proc-Type: 4,ENCRYPTED` stand before the base64 (RFC 1421): then it is encrypted.
  fileprivate(set) var hasHeaders = false

  fileprivate init(label: String, line: Int) {
    self.label = label
    self.line = line
  }
}

/// What in a PEM file is not understood. The reason never repeats the file's text, which may be a key.
struct PEMFault: Error, Equatable {
  /// From 1.
  let line: Int
  let reason: String
}

/// Reads a PEM file line by line. Text between the blocks is allowed, as OpenSSL's own tools write it. But unlike
/// OpenSSL, which passes over every line that it does not know, this takes nothing for text that looks like part of a
/// block.
struct PEMReader {
  private var blocks: [PEMBlock] = []
  private var block: PEMBlock?
  /// The characters of the block's base64 so far.
  private var digits: [UInt8] = []
  private var line = 0

  /// All blocks, in order.
  static func blocks(in file: [UInt8]) throws(PEMFault) -> [PEMBlock] {
    if file.starts(with: [0xef, 0xbb, 0xbf]) {
      throw PEMFault(line: 1, reason: "the file begins with a byte order mark; remove it")
    }
    if file.starts(with: [0xfe, 0xff]) || file.starts(with: [0xff, 0xfe]) {
      throw PEMFault(line: 1, reason: "the file is in UTF-16; store it as plain text (ASCII)")
    }
    var reader = PEMReader()
    for text in file.split(separator: 0x0a, omittingEmptySubsequences: false) {
      reader.line += 1
      try reader.take(text)
    }
    if let block = reader.block { throw block.withoutEnd("the end of the file") }
    return reader.blocks
  }

  private mutating func take(_ whole: ArraySlice<UInt8>) throws(PEMFault) {
    // As OpenSSL does, for line ends of CR LF among others.
    var text = whole
    while let last = text.last, [0x20, 0x09, 0x0d].contains(last) { text.removeLast() }
    switch PEMBoundary(text) {
    case .begin(let label)?:
      if let block { throw block.withoutEnd("the next block in line \(line)") }
      block = PEMBlock(label: label, line: line)
      digits = []
    case .end(let label)?: try end(label)
    case nil:
      if text.contains(0x0d), block != nil || PEMBoundary.isResembled(by: text) {
        throw fault("lines end in CR alone; store the file with line ends of LF")
      }
      if block != nil { try takeInside(text) } else { try takeBetween(text) }
    }
  }

  private mutating func end(_ label: String) throws(PEMFault) {
    guard var block else { throw fault("-----END \(label)----- without a line of BEGIN before it") }
    guard block.label == label else {
      throw fault("-----END \(label)----- of a block that begins with BEGIN \(block.label) in line \(block.line)")
    }
    guard digits.count.isMultiple(of: 4), let bytes = Self.decode(digits) else {
      throw fault("the base64 of the block that begins in line \(block.line) is cut short")
    }
    guard !bytes.isEmpty else { throw fault("the block that begins in line \(block.line) is empty") }
    block.bytes = bytes
    blocks.append(block)
    self.block = nil
  }

  private mutating func takeInside(_ text: ArraySlice<UInt8>) throws(PEMFault) {
    if PEMBoundary.isResembled(by: text) { throw malformedBoundary(text) }
    if text.contains(0x3a), digits.isEmpty {
      block?.hasHeaders = true
      return
    }
    for byte in text where byte != 0x20 && byte != 0x09 {
      guard Self.value(byte) != nil || byte == 0x3d else { throw fault("a character that is not base64") }
      guard digits.last != 0x3d || byte == 0x3d else { throw fault("base64 goes on behind its end") }
      digits.append(byte)
    }
  }

  private func takeBetween(_ text: ArraySlice<UInt8>) throws(PEMFault) {
    if text.first == 0x23 { return }
    if PEMBoundary.isResembled(by: text) { throw malformedBoundary(text) }
    guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || [0x09, 0x0c, 0x0d].contains($0) }) else {
      throw fault("bytes that are no text")
    }
    // DER of more than 127 bytes begins so.
    let isBase64 = text.count >= 48 && text.starts(with: "MI".utf8) && text.allSatisfy { Self.value($0) != nil }
    if isBase64 { throw fault("base64 outside of a block; a line of BEGIN has to stand before it") }
  }

  private func malformedBoundary(_ text: ArraySlice<UInt8>) -> PEMFault {
    let trimmed = text.drop { $0 == 0x20 || $0 == 0x09 }
    if trimmed.count < text.count, PEMBoundary(trimmed) != nil {
      return fault("spaces before -----; remove them")
    }
    return fault(
      "this looks like the first or last line of a block and is none: nothing but -----BEGIN CERTIFICATE-----, or the "
        + "like, may stand in it")
  }

  private func fault(_ reason: String) -> PEMFault { PEMFault(line: line, reason: reason) }

  private static func value(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x41...0x5a: character - 0x41
    case 0x61...0x7a: character - 0x61 + 26
    case 0x30...0x39: character - 0x30 + 52
    case 0x2b: 62
    case 0x2f: 63
    default: nil
    }
  }

  /// - Parameter digits: a multiple of 4 in number, with padding only at the end.
  private static func decode(_ digits: [UInt8]) -> [UInt8]? {
    let padding = digits.reversed().prefix { $0 == 0x3d }.count
    guard padding <= 2 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3)
    for place in stride(from: 0, to: digits.count, by: 4) {
      let four = digits[place..<(place + 4)].reduce(UInt32(0)) { $0 << 6 | UInt32(value($1) ?? 0) }
      for shift in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: four >> UInt32(shift))) }
    }
    bytes.removeLast(padding)
    return bytes
  }
}

extension PEMBlock {
  fileprivate func withoutEnd(_ place: String) -> PEMFault {
    PEMFault(line: line, reason: "-----BEGIN \(label)----- without its line of END before \(place)")
  }
}

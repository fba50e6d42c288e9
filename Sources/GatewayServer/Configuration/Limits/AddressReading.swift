import ConfigurationReading

/// Reads `per-address`, and `handshakes` beside it.
enum AddressReading {
  /// A machine's own clients are no strangers; and where a tunnel ends here, all the world has this one address.
  private static let ownMachine: [AddressRange] = [
    .addresses([127, 0, 0, 0], bits: 8), .addresses([UInt8](repeating: 0, count: 15) + [1], bits: 128),
  ]

  /// - Parameter most: the most connections of all.
  static func bounds(_ top: inout MappingReader, most: Int) -> AddressBounds {
    var section = top.section("per-address")
    defer { section.finish() }
    let connections = section.optional("connections", as: .orOff(.count(in: 1...1_000_000)))
    if let connections, let count = connections.value, count > most {
      section.reading.note(
        "`connections` is above that of all addresses together (\(most))",
        hint: "write at most \(most), or raise `connections`", at: connections.place)
    }
    return AddressBounds(
      connections: connections.map(\.value) ?? min(most, max(16, most / 4)),
      handshakes: section.optional("handshakes", as: .orOff(.perSecond)).map(\.value) ?? 100,
      except: section.optionalList("except", as: .addressRange)?.value.map(\.value) ?? ownMachine)
  }

  static func handshakes(_ top: inout MappingReader) -> Int? {
    top.optional("handshakes", as: .orOff(.perSecond)).map(\.value) ?? 1000
  }
}

extension ValueParser where Value == Int {
  /// A number in each second: `100/s`.
  static var perSecond: ValueParser {
    let count = ValueParser.count(in: 1...1_000_000)
    return ValueParser(expected: "a number in each second such as `100/s`") { text, reading throws(ValueFault) in
      guard text.hasSuffix("/s") else {
        throw ValueFault(
          message: "`\(text)` is no number in each second", hint: "write a number and `/s`: `100/s`")
      }
      return try count.parse(String(text.dropLast(2)), reading)
    }
  }
}

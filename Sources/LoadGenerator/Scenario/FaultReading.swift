import ConfigurationReading

/// Reads what goes wrong on purpose.
enum FaultReading {
  static func faults(_ top: inout MappingReader) -> [FaultShare] {
    var section = top.section("faults")
    defer { section.finish() }
    return FaultKind.allCases.compactMap { kind in
      section.optionalEntry(kind.rawValue).flatMap { share($0, kind, section) }
    }
  }

  /// What faults and uploads ask of each other.
  static func check(_ scenario: Scenario, _ top: inout MappingReader) {
    guard let entry = top.optionalEntry("faults") else { return }
    let sum = scenario.faults.reduce(0) { $0 + $1.share }
    if sum > 1.000_001 {
      top.reading.note(
        "the shares of `faults` add up to \((sum * 1000).rounded() / 10) %",
        hint: "100 % is the most: an upload has one fault", at: entry.place)
    }
  }

  /// A share alone, or `{share: 5%}` with what the fault takes besides.
  private static func share(_ entry: MappingReader.Entry, _ kind: FaultKind, _ reader: MappingReader) -> FaultShare? {
    guard entry.isMapping else { return reader.value(of: entry, as: .share).map { FaultShare(kind, share: $0.value) } }
    guard var section = reader.section(entry) else { return nil }
    defer { section.finish() }
    let share = section.required("share", as: .share)
    var fault = FaultShare(kind, share: share?.value ?? 1)
    if kind == .stall, let time = section.optional("for", as: .duration(in: .milliseconds(1) ... .seconds(3600))) {
      fault.time = time.value
    }
    if kind == .drip, let bytes = section.optional("bytes", as: .count(in: 1...100_000)) { fault.bytes = bytes.value }
    return share.map { _ in fault }
  }
}

import ConfigurationReading

/// Reads when uploads begin.
enum ShapeReading {
  private static let longest = Duration.seconds(30 * 86_400)

  static func read(_ top: inout MappingReader, into scenario: inout Scenario) {
    let count = top.optional("count", as: .count(in: 1...1_000_000_000))
    scenario.count = count?.value
    let arrivals = top.optional("arrivals", as: .word) as Setting<Scenario.Arrivals>?
    if let arrivals { scenario.arrivals = arrivals.value }
    let inFlight = top.optional("in-flight", as: .count(in: 1...100_000))
    if let inFlight { scenario.inFlight = inFlight.value }
    if let drain = top.optional("drain", as: .duration(in: .zero ... .seconds(86_400))) { scenario.drain = drain.value }
    guard let entry = top.optionalEntry("stages") else {
      top.reading.note(
        "\(top.name) has no `stages`", hint: "add `stages: [{rate: 10, for: 30s}]`, or `{clients: 4, for: 30s}`",
        at: top.place)
      return
    }
    var stages: [(stage: Scenario.Stage, loop: Scenario.Loop)] = []
    for item in entry.items {
      guard var reader = top.section(item) else { continue }
      guard let stage = stage(&reader) else { continue }
      if let first = stages.first, first.loop != stage.loop {
        top.reading.note(
          "`stages` has some with `rate` and some with `clients`", hint: "use one of them in all stages", at: item.place
        )
      }
      stages.append(stage)
    }
    guard let first = stages.first else {
      if entry.items.isEmpty {
        top.reading.note("`stages` is empty", hint: "write one such as `{rate: 10, for: 30s}`", at: entry.place)
      }
      return
    }
    scenario.stages = stages.map(\.stage)
    scenario.loop = first.loop
    for stage in stages where stage.stage.time == nil && (count == nil || stages.count > 1) {
      top.reading.note(
        "a stage has no end", hint: "write `for: 30s`; only a lone stage of a scenario with `count` may go without",
        at: entry.place)
    }
    if first.loop == .closed, let place = arrivals?.place ?? inFlight?.place {
      top.reading.note(
        "`arrivals` and `in-flight` are for stages with `rate`", hint: "remove them: `clients` is the limit", at: place)
    }
  }

  private static func stage(_ reader: inout MappingReader) -> (stage: Scenario.Stage, loop: Scenario.Loop)? {
    let (rate, clients) = (reader.optionalEntry("rate"), reader.optionalEntry("clients"))
    let time = reader.optional("for", as: .duration(in: .milliseconds(1)...longest))
    defer { reader.finish() }
    let level: (from: Double, to: Double)?
    let loop: Scenario.Loop
    switch (rate, clients) {
    case (let rate?, nil): (level, loop) = (self.level(rate, reader, upTo: 1_000_000), .open)
    case (nil, let clients?): (level, loop) = (self.level(clients, reader, upTo: 100_000), .closed)
    case (nil, nil), (_?, _?):
      reader.reading.note(
        "a stage has either `rate` or `clients`", hint: "write `{rate: 10, for: 30s}` or `{clients: 4, for: 30s}`",
        at: reader.place)
      return nil
    }
    guard let level else { return nil }
    if level.from != level.to, time == nil {
      reader.reading.note("a ramp has no end", hint: "add `for: 30s`", at: reader.place)
    }
    return (Scenario.Stage(from: level.from, to: level.to, time: time?.value), loop)
  }

  /// One number, or `{from: A, to: B}`.
  private static func level(
    _ entry: MappingReader.Entry, _ reader: MappingReader, upTo most: Double
  ) -> (from: Double, to: Double)? {
    let number = ValueParser.decimal(in: 0...most)
    guard entry.isMapping else {
      guard let value = reader.value(of: entry, as: number)?.value else { return nil }
      if value == 0, entry.key == "clients" {
        reader.reading.note("`clients` is 0", hint: "write how many, or `{from: 0, to: 10}`", at: entry.place)
      }
      return (value, value)
    }
    guard var ramp = reader.section(entry) else { return nil }
    defer { ramp.finish() }
    let (from, to) = (ramp.required("from", as: number), ramp.required("to", as: number))
    guard let from, let to else { return nil }
    return (from.value, to.value)
  }
}

extension ValueParser where Value == Double {
  /// A plain decimal number, which may have a fraction.
  static func decimal(in range: ClosedRange<Double>) -> ValueParser {
    let expected = "a number up to \(range.upperBound)"
    return ValueParser(expected: expected) { text, _ throws(ValueFault) in
      guard let first = text.first, first.isASCII, first.isNumber,
        text.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(text), range.contains(number)
      else {
        throw ValueFault(message: "`\(text)` is not \(expected)", hint: "write a plain number such as `10` or `0.5`")
      }
      return number
    }
  }

  /// `5%` or `0.05`; more than nothing.
  static var share: ValueParser {
    ValueParser(expected: "a share such as `5%` or `0.05`") { text, _ throws(ValueFault) in
      let isPercent = text.hasSuffix("%")
      let digits = isPercent ? text.dropLast().trimmed : text[...]
      guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let number = Double(digits),
        case let share = isPercent ? number / 100 : number, share > 0, share <= 1
      else {
        throw ValueFault(
          message: "`\(text)` is not a share", hint: "write one above 0 and up to 100 %: `5%` or `0.05`")
      }
      return share
    }
  }
}

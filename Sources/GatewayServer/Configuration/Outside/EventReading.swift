import ConfigurationReading
import GatewayCore

/// Reads `events`: who hears of what becomes of uploads.
enum EventReading {
  /// - Parameter routes: the paths of all routes.
  static func read(_ top: inout MappingReader, routes: [String]) -> [Configuration.EventTarget] {
    var section = top.section("events")
    return section.allEntries().compactMap { entry in
      if !GatewayName.isValid(entry.key) {
        section.reading.note(
          "`\(entry.key)` is no name of a target",
          hint: "write 1 to 64 letters, digits, dots, hyphens or underscores, as `catalogue`", at: entry.place)
      }
      guard var reader = section.section(entry) else { return nil }
      defer { reader.finish() }
      return target(entry.key, &reader, routes: routes)
    }
  }

  private static func target(
    _ name: String, _ reader: inout MappingReader, routes known: [String]
  ) -> Configuration.EventTarget? {
    let kinds = reader.optionalList("when", as: ValueParser<EventKind>.word)
    if let kinds, kinds.value.isEmpty {
      reader.reading.note(
        "`when` is empty: \(reader.name) would hear of nothing", hint: "write some of `[completed, failed]`",
        at: kinds.place)
    }
    let routes = reader.optionalList("routes", as: .routePath)
    for route in routes?.value ?? [] where !known.contains(route.value) {
      let nearest = Suggestion.nearest(to: route.value, among: known).map { "did you mean `\($0)`?" }
      reader.reading.note(
        "`routes`: there is no route `\(route.value)`",
        hint: nearest ?? "write some of \(known.map { "`\($0)`" }.joined(separator: ", "))", at: route.place)
    }
    let timeLimit = reader.optional("time-limit", as: .duration(in: .milliseconds(100) ... .seconds(3600)))
    let atOnce = reader.optional("at-once", as: .count(in: 1...64))
    let tries = reader.optional("tries", as: .count(in: 1...100_000))
    let giveUpAfter = reader.optional("give-up-after", as: .duration(in: .seconds(1) ... .seconds(365 * 86_400)))
    guard let recipient = RecipientReading.read(&reader) else { return nil }
    return Configuration.EventTarget(
      name: name, recipient: recipient, kinds: Set(kinds?.value.map(\.value) ?? [.completed]),
      routes: routes.map { Set($0.value.map(\.value)) }, timeLimit: timeLimit?.value ?? .seconds(30),
      terms: DeliveryMachine.Terms(
        atOnce: atOnce?.value ?? 4, tries: tries?.value ?? 1000,
        giveUpAfter: (giveUpAfter?.value ?? .seconds(3 * 86_400)).wholeMilliseconds))
  }
}

extension Duration {
  /// Of one that a configuration can have.
  var wholeMilliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}

extension ValueParser where Value == String {
  /// A route's path.
  static var routePath: ValueParser {
    ValueParser(expected: "a route, as `/upload-file`") { text, _ throws(ValueFault) in
      _ = try RoutePath.parse(text)
      return text
    }
  }
}

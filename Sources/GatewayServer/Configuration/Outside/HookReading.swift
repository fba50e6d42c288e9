import ConfigurationReading
import Forwarders

/// Reads a route's `on-open` and `hold-until`.
enum HookReading {
  private enum Failure: String, CaseIterable {
    case closed, open
  }

  private enum Rejected: String, CaseIterable {
    case remove, keep
  }

  /// `nil` where there is none, or something was no good, which has been noted.
  static func onOpen(_ route: inout MappingReader) -> Configuration.OpeningHook? {
    guard let entry = route.optionalEntry("on-open"), var section = route.section(entry) else { return nil }
    defer { section.finish() }
    let timeLimit = section.optional("time-limit", as: .duration(in: .milliseconds(100) ... .seconds(60)))
    let atOnce = section.optional("at-once", as: .count(in: 1...64))
    let failure = section.optional("fail", as: ValueParser<Failure>.word)
    guard let recipient = RecipientReading.read(&section) else { return nil }
    return Configuration.OpeningHook(
      recipient: recipient, timeLimit: timeLimit?.value ?? .seconds(5), atOnce: atOnce?.value ?? 8,
      failsOpen: failure?.value == .open)
  }

  /// `nil` where there is none, or something was no good, which has been noted.
  ///
  /// - Parameter stores: whether the route has a store.
  static func holdUntil(_ route: inout MappingReader, stores: Bool) -> Configuration.HoldUntil? {
    guard let entry = route.optionalEntry("hold-until"), var section = route.section(entry) else { return nil }
    defer { section.finish() }
    if !stores {
      section.reading.note(
        "`hold-until` is for routes that store", hint: "remove it: a backend has the bytes before they are whole",
        at: entry.place)
    }
    let timeLimit = section.optional("time-limit", as: .duration(in: .milliseconds(100) ... .seconds(3600)))
    let atOnce = section.optional("at-once", as: .count(in: 1...64))
    let failure = section.optional("fail", as: ValueParser<Failure>.word)
    let rejected = section.optional("rejected", as: ValueParser<Rejected>.word)
    guard let checker = checker(&section, at: entry.place) else { return nil }
    return Configuration.HoldUntil(
      checker: checker, timeLimit: timeLimit?.value ?? .seconds(60), atOnce: atOnce?.value ?? 4,
      failsOpen: failure?.value == .open, keepsRejected: rejected?.value == .keep)
  }

  private static func checker(
    _ section: inout MappingReader, at place: Place
  ) -> Configuration.HoldUntil.Scanner? {
    let named = ["clamd", "icap", "command"].filter { section.has($0) }
    guard let one = named.first, named.count == 1 else {
      section.reading.note(
        named.isEmpty
          ? "`hold-until` has none of `clamd`, `icap` and `command`"
          : "`hold-until` has \(named.map { "`\($0)`" }.joined(separator: " and "))",
        hint: named.isEmpty
          ? "write `clamd: unix:/run/clamav/clamd.ctl`, `icap: icap://HOST:PORT/SERVICE`, or `command: [/path/to/program]`"
          : "keep one of them",
        at: place)
      return nil
    }
    switch one {
    case "clamd": return section.optional("clamd", as: .backend).map { .clamd($0.value) }
    case "icap": return section.optional("icap", as: .icapURL).map { .icap($0.value) }
    default:
      guard case .command(let command) = RecipientReading.read(&section) else { return nil }
      return .command(command)
    }
  }
}

import ConfigurationReading
import GatewayCore

/// Looks at the files of tokens, and at what routes say of them. That they can be read has been looked at when the
/// configuration was.
enum TokenReading {
  static func look(at configuration: Configuration, now: WallTime, _ findings: inout Findings) {
    let routes = configuration.routes.map(\.route.path)
    for file in configuration.tokenFiles {
      guard let tokens = file.tokens else { continue }
      tokens.warnings(routes: routes, now: now).forEach { findings.add(warning: $0) }
      let lines = tokens.lines.map(\.line)
      for mention in file.mentions {
        let known = Set(mention.key == "names" ? lines.map(\.name) : lines.compactMap(\.group)).sorted()
        guard !known.contains(mention.value) else { continue }
        let nearest = Suggestion.nearest(to: mention.value, among: known).map { "did you mean `\($0)`?" }
        let what =
          mention.key == "names" ? "no token of `\(mention.value)`" : "no token of the group `\(mention.value)`"
        findings.add(
          .warning, "`\(mention.key)`: there is \(what) in \(file.path)",
          hint: nearest ?? "add one with `sluice token add`, or remove it", at: mention.place)
      }
    }
  }
}

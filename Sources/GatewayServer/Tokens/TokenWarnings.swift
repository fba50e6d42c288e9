import ConfigurationReading
import GatewayCore
import TextForms

extension TokenFile {
  /// What lets nobody in, or somebody whom nobody meant.
  ///
  /// - Parameter routes: the paths of all routes of the gateway.
  func warnings(routes: [String], now: WallTime) -> [ConfigurationFault] {
    lines.flatMap { number, line -> [ConfigurationFault] in
      guard line.revokedAt == nil else { return [] }
      var found: [(String, hint: String)] = []
      if let mistake = Self.mistakes[line.hash.bytes], case .plain = line.hash {
        found.append(
          ("the hash of `\(line.name)` is that of \(mistake), and of no token", "make a token with `sluice token add`"))
      }
      if let end = line.expiresAt, end <= now {
        let moment = RFC3339(milliseconds: end.milliseconds).textInSeconds
        found.append(
          (
            "the token of `\(line.name)` expired at \(moment)",
            "make another one with `sluice token add`, or remove the line"
          ))
      }
      for route in line.routes ?? [] where !routes.contains(route) {
        let nearest = Suggestion.nearest(to: route, among: routes).map { "did you mean `\($0)`?" }
        found.append(
          (
            "the token of `\(line.name)` is for `\(route)`, which is no route here",
            nearest ?? "remove it from `routes=`"
          ))
      }
      return found.map { message, hint in
        ConfigurationFault(.warning, file: file, line: number, column: 1, message: message, hint: hint)
      }
    }
  }

  /// What `sha256sum` says where something went wrong in front of it, by what it was given.
  private static let mistakes: [[UInt8]: String] = [
    TokenHash.of(""): "nothing at all", TokenHash.of("\n"): "an empty line",
    TokenHash.of("TOKEN"): "the word TOKEN", TokenHash.of("TOKEN\n"): "the word TOKEN",
    [UInt8](repeating: 0, count: 32): "nobody knows what",
  ]
}

import ConfigurationReading
import GatewayCore

/// Decides who may upload to a route: what its `access` says, or what its absence means for this listener.
struct Welcome {
  /// Whether only this machine can reach the listener.
  var isLoopback: Bool
  /// Whether the listener verifies clients' certificates.
  var asksCertificates: Bool
  /// Whether nobody gets past the listener without one.
  var requiresCertificates: Bool
  /// The files of tokens that were named so far.
  var tokenFiles: TokenFiles

  /// The route's access, and the file of its tokens where it names one.
  func access(_ route: inout MappingReader) -> (RouteAccess, tokenFile: String?) {
    let anyone = RouteAccess(takesAnyone: true, takesCertificates: asksCertificates, tokens: nil)
    guard let entry = route.optionalEntry("access") else {
      if !isLoopback && !requiresCertificates {
        route.reading.note(
          "\(route.name) has no `access`, and `listen` lets the whole network in",
          hint: "write `access: anyone` if that is meant, or `access: {tokens: FILE}`", at: route.place)
      }
      return (anyone, nil)
    }
    guard entry.isMapping else {
      let word: ValueParser<Void> = ValueParser(
        expected: "`anyone`, or `{tokens: FILE}`, or `{certificates: true}`"
      ) { text, _ throws(ValueFault) in
        if text != "anyone" {
          throw ValueFault(
            message: "`\(text)` is not `anyone`",
            hint: "write `anyone`, or `{tokens: FILE}`, or `{certificates: true}`")
        }
      }
      _ = route.value(of: entry, as: word)
      return (anyone, nil)
    }
    guard var section = route.section(entry) else { return (anyone, nil) }
    defer { section.finish() }
    return named(&section)
  }

  private func named(_ section: inout MappingReader) -> (RouteAccess, tokenFile: String?) {
    var reading = AccessReading(asksCertificates: asksCertificates, files: tokenFiles)
    let isNamed = ["tokens", "certificates", "all"].map { section.has($0) }.contains(true)
    let before = section.reading.faults.count
    reading.way(&section, "tokens") { AccessWay(tokens: $0.tokens(&$1)) }
    reading.way(&section, "certificates") { AccessWay(certificates: $0.certificates(&$1)) }
    reading.both(&section)
    // Where something could not be read, its own fault has been noted.
    if reading.ways.isEmpty, !isNamed || section.reading.faults.count == before {
      section.reading.note(
        "`access` lets nobody in", hint: "write `tokens: FILE`, or `certificates: true`, or `access: anyone`",
        at: section.place)
    }
    let path = reading.file?.value
    let access = RouteAccess(
      takesAnyone: false, ways: reading.ways, tokens: path.flatMap { tokenFiles.tokens($0) })
    return (access, path)
  }
}

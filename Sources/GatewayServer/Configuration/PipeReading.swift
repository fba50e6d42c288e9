import ConfigurationReading
import Forwarders

/// Reads a route's `pipe`.
enum PipeReading {
  /// `files` are those that could be found, with what messages call them.
  static func settings(
    _ section: inout MappingReader
  ) -> (settings: PipeForwarder.Settings, files: [StorePlaces.Neighbour])? {
    let backends = backends(&section)
    var settings = PipeForwarder.Settings(backends: backends.map(\.value))
    if let balance: Setting<PipeForwarder.Balance> = section.optional("balance", as: .word) {
      settings.balance = balance.value
    }
    let waits = Duration.milliseconds(1) ... .seconds(86_400)
    if let wait = section.optional("connect-timeout", as: .duration(in: waits)) { settings.connectTimeout = wait.value }
    if let wait = section.optional("timeout", as: .duration(in: waits)) { settings.timeout = wait.value }
    let reply = section.optional("reply", as: .byteSize(in: 0...(1 << 20)))
    if let done: Setting<PipeForwarder.Completion> = section.optional("done", as: .word) { settings.done = done.value }
    if settings.done == .sent { settings.reply = 0 }
    if let reply {
      settings.reply = Int(reply.value)
      if settings.done == .sent, reply.value > 0 {
        section.reading.note(
          "`reply` with `done: sent`: no answer is waited for", hint: "write `reply: 0`, or `done: closed`",
          at: reply.place)
      }
    }
    if let header: Setting<PipeForwarder.Header> = section.optional("header", as: .word) {
      settings.header = header.value
    }
    let allowsPlaintext = section.optional("plaintext", as: .word([("allowed", true)]))
    let (tls, files) = tls(&section, backends: backends)
    settings.tls = tls
    settings.health = health(&section)
    let isEncrypted = section.has("tls")
    section.finish()
    if let allowsPlaintext, isEncrypted {
      section.reading.note(
        "`plaintext` beside `tls`: nothing is sent in plaintext", hint: "keep one of them", at: allowsPlaintext.place)
    }
    if !isEncrypted, allowsPlaintext == nil {
      for backend in backends where !backend.value.isPrivate {
        section.reading.note(
          "`\(backend.value)` may be beyond the private network, and would get plaintext",
          hint: "add `tls: {}`, or say `plaintext: allowed`", at: backend.place)
      }
    }
    return backends.isEmpty ? nil : (settings, files)
  }

  /// Empty where there are none, or one is no good, which has been noted.
  private static func backends(_ section: inout MappingReader) -> [Setting<BackendAddress>] {
    let example = "`to: [10.0.0.5:9000, unix:/run/ingest.sock]`"
    guard section.has("to") else {
      section.reading.note("\(section.name) has no `to`", hint: "add \(example)", at: section.place)
      return []
    }
    guard let list = section.optionalList("to", as: .backend) else { return [] }
    if list.value.isEmpty { section.reading.note("`to` is empty", hint: "write \(example)", at: list.place) }
    var backends: [Setting<BackendAddress>] = []
    for backend in list.value {
      if backends.contains(where: { $0.value == backend.value }) {
        section.reading.note("`to` has `\(backend.value)` twice", hint: "name each backend once", at: backend.place)
      } else {
        backends.append(backend)
      }
    }
    return backends
  }

  private static func tls(
    _ section: inout MappingReader, backends: [Setting<BackendAddress>]
  ) -> (PipeForwarder.TLS?, [StorePlaces.Neighbour]) {
    guard let entry = section.optionalEntry("tls"), var tls = section.section(entry) else { return (nil, []) }
    let authorities = tls.optionalPath("ca", as: .readableFile)
    let name = tls.optional("server-name", as: .serverName)
    let certificate = tls.optionalPath("certificate", as: .readableFile)
    let key = tls.optionalPath("private-key", as: .readableFile)
    let (hasCertificate, hasKey, hasName) = (tls.has("certificate"), tls.has("private-key"), tls.has("server-name"))
    tls.finish()
    if hasCertificate != hasKey {
      tls.reading.note(
        "\(tls.name) has \(hasKey ? "`private-key` without `certificate`" : "`certificate` without `private-key`")",
        hint: "add the other, or remove this one", at: entry.place)
    }
    for backend in backends where !hasName {
      guard case .unix = backend.value else { continue }
      tls.reading.note(
        "`\(backend.value)` has no name that its certificate could be for", hint: "add `server-name` to `tls`",
        at: backend.place)
    }
    let files = [
      ("a pipe's `ca` file", authorities), ("a pipe's certificate", certificate), ("a pipe's private key", key),
    ].compactMap { name, path in path.map { StorePlaces.Neighbour(name: name, path: $0) } }
    let settings = PipeForwarder.TLS(
      authorities: authorities, serverName: name?.value, certificate: certificate, privateKey: key)
    return (settings, files)
  }

  private static func health(_ section: inout MappingReader) -> PipeForwarder.Health {
    var reader = section.section("health")
    defer { reader.finish() }
    var health = PipeForwarder.Health()
    let waits = Duration.milliseconds(10) ... .seconds(3600)
    if let every = reader.optional("every", as: .duration(in: waits)) { health.every = every.value }
    if let timeout = reader.optional("timeout", as: .duration(in: waits)) { health.timeout = timeout.value }
    return health
  }
}

extension ValueParser where Value == BackendAddress {
  /// `HOST:PORT` or `unix:PATH`.
  static var backend: ValueParser {
    ValueParser(expected: "`HOST:PORT` or `unix:PATH`") { text, reading throws(ValueFault) in
      if text.hasPrefix("unix:") {
        let path = try reading.absolute(checking: String(text.dropFirst(5)))
        // `sun_path` of Linux, with its NUL.
        guard path.utf8.count <= 107 else {
          throw ValueFault(
            message: "the path of the unix socket `\(path)` has more than 107 bytes", hint: "use a shorter path")
        }
        return .unix(path: path)
      }
      let address = try ListenAddress.parse(text)
      guard address.port > 0 else {
        throw ValueFault(message: "`\(text)` has no port from 1 to 65535", hint: "write `HOST:PORT`")
      }
      return .host(address.host, port: address.port)
    }
  }
}

extension ValueParser where Value == String {
  /// A host name or an IP address.
  static var serverName: ValueParser {
    ValueParser(expected: "a host name or an address") { text, _ throws(ValueFault) in
      for spelling in ["\(text):1", "[\(text)]:1"] where (try? ListenAddress.parse(spelling)) != nil { return text }
      throw ValueFault(message: "`\(text)` is neither a host name nor an address", hint: "write a host name")
    }
  }
}

import GatewayCore
import Logging

/// Reads the file's top level, and what of it concerns the whole server.
enum ServerReading {
  private static let waits: ClosedRange<Duration> = .milliseconds(1) ... .seconds(86_400)

  /// `nil` where something was missing; whether anything else was wrong, the faults of `reading` say.
  static func read(_ top: inout MappingReader) -> Configuration? {
    let reading = top.reading
    let listen =
      top.has("listen")
      ? top.optional("listen", as: .listenAddress)?.value : ListenAddress(host: "127.0.0.1", port: 8443)
    let tls = tls(&top)
    let state = top.optional("state", as: .writableFolder)
    let (memory, window) = bounds(&top)
    let connections = top.optional("connections", as: .count(in: 1...1_000_000))?.value ?? 4096
    let threads = top.optional("threads", as: .threads)?.value ?? .automatic
    let timeouts = timeouts(&top)
    let log = log(&top)
    let welcome = Welcome(
      isLoopback: listen?.isLoopback ?? true, asksCertificates: tls.map { $0.clientCA != nil } ?? true,
      requiresCertificates: tls.map { $0.clientCertificate == .required } ?? true)
    let routes = RouteReading.routes(&top, welcome: welcome)
    top.finish()

    guard let listen, let tls else { return nil }
    let statePath = state?.value ?? reading.absolute("var/state")
    if state == nil, reading.checksFiles, let fault = FilePlace.faultOfFolder(statePath) {
      reading.note("`state`: \(fault.message)", hint: fault.hint, at: top.place)
    }
    var neighbours = [
      StorePlaces.Neighbour(name: "the `state` folder", path: statePath),
      StorePlaces.Neighbour(name: "the server's certificate", path: tls.certificate),
      StorePlaces.Neighbour(name: "the server's private key", path: tls.privateKey),
    ]
    if let path = tls.clientCA { neighbours.append(StorePlaces.Neighbour(name: "the `client-ca` file", path: path)) }
    if let path = reading.path { neighbours.append(StorePlaces.Neighbour(name: "this configuration", path: path)) }
    StorePlaces.check(routes, apart: neighbours, reading: reading)
    return Configuration(
      listen: listen, tls: tls, state: statePath, routes: routes.map(\.entry), timeouts: timeouts, memory: memory,
      window: window, connections: connections, log: log, threads: threads)
  }

  private static func tls(_ top: inout MappingReader) -> Configuration.TLS? {
    guard var section = top.requiredSection("tls", example: "{certificate: server.pem, private-key: server.key}") else {
      return nil
    }
    let certificate = section.required("certificate", as: .readableFile)
    let key = section.required("private-key", as: .readableFile)
    let profile: Setting<Configuration.Profile>? = section.optional("profile", as: .word)
    // A fault in the file's name must not look like a listener that asks for no certificate.
    let namesCA = section.has("client-ca")
    let authority = section.optional("client-ca", as: .readableFile)
    let demand = section.optional(
      "client-certificate",
      as: .word([("required", Configuration.ClientCertificate.required), ("optional", .optional)]))
    section.finish()
    if let demand, !namesCA {
      section.reading.note(
        "`client-certificate` without `client-ca`: no certificate could be verified",
        hint: "add `client-ca: FILE`, or remove `client-certificate`", at: demand.place)
    }
    guard let certificate, let key, !namesCA || authority != nil else { return nil }
    return Configuration.TLS(
      certificate: certificate.value, privateKey: key.value, profile: profile?.value ?? .intermediate,
      clientCA: authority?.value,
      clientCertificate: namesCA ? demand?.value ?? .required : .unasked)
  }

  private static func bounds(_ top: inout MappingReader) -> (memory: Int64, window: Int64) {
    // Below this a connection could not even take one read of its socket.
    let least: Int64 = 64 << 10
    let memory = top.optional("memory", as: .byteSize(in: least...Int64.max))
    let window = top.optional("window", as: .byteSize(in: least...Int64.max))
    let bound = memory?.value ?? 512 << 20
    if let window, window.value > bound {
      top.reading.note(
        "`window` is above `memory` (\(ByteSize.text(bound)))",
        hint: "write at most \(ByteSize.text(bound)), or raise `memory`", at: window.place)
    }
    return (bound, window?.value ?? min(4 << 20, bound))
  }

  private static func timeouts(_ top: inout MappingReader) -> Configuration.Timeouts {
    var section = top.section("timeouts")
    defer { section.finish() }
    return Configuration.Timeouts(
      handshake: section.optional("handshake", as: .duration(in: waits))?.value ?? .seconds(10),
      head: section.optional("head", as: .duration(in: waits))?.value ?? .seconds(30),
      idle: section.optional("idle", as: .duration(in: waits))?.value ?? .seconds(300),
      silence: section.optional("silence", as: .duration(in: waits))?.value ?? .seconds(60),
      shutdown: section.optional("shutdown", as: .duration(in: waits))?.value ?? .seconds(10))
  }

  private static func log(_ top: inout MappingReader) -> Configuration.Log {
    var section = top.section("log")
    defer { section.finish() }
    return Configuration.Log(
      level: section.optional("level", as: .word)?.value ?? .info,
      format: section.optional("format", as: .word)?.value ?? .text)
  }
}

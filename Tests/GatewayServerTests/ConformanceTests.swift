import Foundation
import Testing
import XStreamClient

/// `Tests/Clients/conformance.py`, a client that was written from the protocol alone, against the gateway.
@Suite(.timeLimit(.minutes(2))) struct ConformanceTests {
  /// Runs checks; each line that begins with `not ok` becomes an issue, and so does a check that was skipped for want of
  /// an option other than those of `skipping`.
  private func run(
    _ gateway: GatewayUnderTest, _ options: [String: String], only: [String] = [], skipping: [String] = []
  ) async throws {
    var arguments = ["python3", RepositoryFile.url("Tests/Clients/conformance.py").path]
    arguments += ["--ca", TestCertificates.ours.ca, "--port", "\(gateway.port)"]
    arguments += options.flatMap { ["--" + $0.key, $0.value] } + only.flatMap { ["--only", $0] }
    let result = try await Program.run(arguments, in: gateway.folder)
    let lines = result.output.split(separator: "\n")
    for line in lines where line.hasPrefix("not ok") { Issue.record("\(line) (\(lines.first ?? ""))") }
    let skipped = lines.filter { line in line.hasPrefix("skip") && !skipping.contains { line.hasSuffix($0) } }
    #expect(skipped.isEmpty)
    #expect(lines.last?.hasSuffix("passed, 0 failed") == true, "\(result.errors)")
    #expect(lines.contains { $0.hasPrefix("ok") })
  }

  private let certificate = ["cert": TestCertificates.ours.client, "key": TestCertificates.ours.clientKey]

  @Test("every check passes for clients without credentials, and nothing is left behind")
  func everything() async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "optional"
    setup.timeouts = "head: 1s, silence: 1s"
    setup.routes = """
        /upload-file: {store: {directory: uploads}, access: anyone, limits: {upload: 64 MiB}}
        /other: {store: {directory: other}}
        /protected: {store: {directory: protected}, access: {tokens: tokens, certificates: true}}
        /partial: {store: {directory: partial}, limits: {held: 4 MiB}}
        /formats: {store: {directory: formats}, formats: [json]}
        /streamless: {store: {directory: streamless}, streams: false}
        /payloadless: {store: {directory: payloadless}, limits: {payload: 0}}
      """
    try await withGateway(setup) { gateway in
      // Three of the four MiB are taken, so that an upload of four is offered one.
      _ = try await UploadClient.test().upload(.bytes(pattern(3 << 20)), to: gateway.url("/partial"))
      try await run(
        gateway,
        [
          "route": "/upload-file", "store": gateway.folder.uploads, "other-route": "/other",
          "protected-route": "/protected", "max-upload": "\(64 << 20)", "max-payload": "\(1 << 20)",
          "partial-route": "/partial", "partial-held": "\(1 << 20)", "formats-route": "/formats",
          "streamless-route": "/streamless", "payloadless-route": "/payloadless", "idle": "1",
            // A piped route is not among what the gateway has; the others need a gateway of their own, below.
        ], skipping: ["--relay-route", "--dead-route", "--token-a --token-b", "--window", "--max-streams"])
      // Some checks leave streams behind whose keys they never saw.
      try await gateway.expectAtRest(unfinished: nil)
    }
  }

  @Test("clients with a certificate pass where one is required")
  func certificates() async throws {
    var setup = GatewaySetup()
    setup.clientCertificate = "required"
    setup.routes = GatewaySetup.plainRoute("access: {certificates: true}")
    try await withGateway(setup) { gateway in
      try await run(
        gateway, certificate.merging(["route": "/upload-file", "store": gateway.folder.uploads]) { $1 },
        only: ["over TLSv1", "resumed at", "takeover", "a stream given up", "a payload", "close_notify between"])
      try await gateway.expectAtRest(client: .test(certificate: true))
    }
  }

  @Test("clients with tokens pass, and a token's streams are nobody else's")
  func tokens() async throws {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens}")
    try await withGateway(setup) { gateway in
      try await run(
        gateway,
        [
          "route": "/upload-file", "store": gateway.folder.uploads, "token": Token.alice.secret,
          "token-a": Token.alice.secret, "token-b": Token.bob.secret, "protected-route": "/upload-file",
        ],
        only: [
          "another client's key", "resumed at", "takeover", "a stream given up", "protected route", "a payload packet",
        ])
      try await gateway.expectAtRest(client: .test(token: Token.alice.secret))
    }
  }

  @Test("one stream too many is told to come back, and a stream is dropped after its window")
  func boundsInNumberAndTime() async throws {
    var setup = GatewaySetup()
    setup.routes = """
        /upload-file: {store: {directory: uploads}, limits: {concurrent: 3}}
        /window: {store: {directory: window}, resume-for: 1s}
      """
    try await withGateway(setup) { gateway in
      try await run(
        gateway, ["route": "/upload-file", "store": gateway.folder.uploads, "max-streams": "3"],
        only: ["one stream too many"])
      try await run(gateway, ["route": "/window", "window": "1"], only: ["dropped after the resume window"])
      try await gateway.expectAtRest()
      try gateway.folder.expectSoundQuota(route: "/window")
    }
  }
}

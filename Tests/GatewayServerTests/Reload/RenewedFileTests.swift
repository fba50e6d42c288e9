import Foundation
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// Files that change while the gateway runs, and nobody tells it.
@Suite(.timeLimit(.minutes(1))) struct RenewedFileTests {
  @Test("a renewed certificate is served within a second, and a connection that is open goes on")
  func certificate() async throws {
    let folder = try GatewayFolder()
    let certificate = try RenewableCertificate(in: folder)
    var setup = GatewaySetup()
    setup.certificate = certificate.files
    try await withGatewayProcess(setup, in: folder) { gateway in
      let open = try await RawClient.connect(gateway.port)
      try await open.open(total: "1000")
      #expect(await open.packet()?["x-stream-key"] != nil)

      // A machine that is busy with other things may need another try.
      let clock = ContinuousClock()
      var fastest = Duration.seconds(60)
      for set in [TestCertificates.strangers, .ours, .strangers] {
        let renewed = clock.now
        try certificate.become(set)
        let isServed = try await serves(gateway, within: .seconds(10), ca: set.ca)
        #expect(isServed)
        fastest = min(fastest, clock.now - renewed)
      }
      #expect(fastest < .seconds(1))

      try await open.send(pattern(1000))
      #expect(await open.answer()?.headers["status"] == "0")
    }
  }

  /// Whether a client that trusts this authority comes in before long.
  private func serves(_ gateway: GatewayProcess, within limit: Duration, ca: String) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      let refused = await failure {
        try await UploadClient.test(ca: ca).upload(.bytes(pattern(10)), to: gateway.url(), options: .once)
      }
      if refused == nil { return true }
    }
    return false
  }

  @Test("a token that was taken out is good for nothing from the next exchange on, and one that was put in is")
  func tokens() async throws {
    var setup = GatewaySetup()
    setup.routes = GatewaySetup.plainRoute("access: {tokens: tokens}")
    try await withGatewayProcess(setup) { gateway in
      let folder = gateway.folder
      try folder.write("tokens", Token.bob.line, mode: 0o600)
      #expect(await eventually { gateway.log.contains("Configuration taken") })
      let alice = await failure {
        try await UploadClient.test(token: Token.alice.secret).upload(
          .bytes(pattern(10)), to: gateway.url(), options: .once)
      }
      #expect(alice != nil)
      _ = try await UploadClient.test(token: Token.bob.secret).upload(
        .bytes(pattern(10)), to: gateway.url(), options: .once)
    }
  }

  @Test("a half-written configuration is not taken because a file was renewed")
  func textStays() async throws {
    let folder = try GatewayFolder()
    let certificate = try RenewableCertificate(in: folder)
    var setup = GatewaySetup()
    setup.certificate = certificate.files
    try await withGatewayProcess(setup, in: folder) { gateway in
      try folder.write("sluice.yaml", "listen: 127.0.0.1:1\nroutes: {")
      try certificate.become(.strangers)
      #expect(await eventually { gateway.log.contains("Configuration taken") })
      #expect(!gateway.log.contains("Configuration not taken"))
    }
  }
}

@Suite struct FileChangesTests {
  private func look(_ size: Int64) -> FileChanges.Look {
    ["a": FileStamp(device: 1, number: 1, size: size, changedAt: []), "b": FileStamp?.none]
  }

  /// Which of the looks have the files taken, after a first one at size 0.
  private func taken(_ sizes: Int64...) -> [Bool] {
    var changes = FileChanges(look(0))
    return sizes.map { changes.see(look($0)) }
  }

  @Test("what changes is taken once it has stayed the same for a look, and once")
  func settling() {
    #expect(taken(0, 1, 2, 2, 2) == [false, false, false, true, false])
  }

  @Test("what is as it was again is no change")
  func backAgain() {
    #expect(taken(1, 0, 0) == [false, false, false])
  }

  @Test("what somebody took for another reason is not taken again")
  func takenAlready() {
    var changes = FileChanges(look(0))
    _ = changes.see(look(1))
    changes.take(look(1))
    let seen = [changes.see(look(1)), changes.see(look(1))]
    #expect(seen == [false, false])
  }
}

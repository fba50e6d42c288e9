import Foundation
import Testing
import XStream
import XStreamClient

/// A reload that cannot be: the gateway goes on with what it has.
@Suite(.timeLimit(.minutes(1))) struct BrokenReloadTests {
  @Test("with a broken certificate the old one goes on, and the log says what is wrong")
  func brokenCertificate() async throws {
    let folder = try GatewayFolder()
    let certificate = try RenewableCertificate(in: folder)
    var setup = GatewaySetup()
    setup.certificate = certificate.files
    try await withGatewayProcess(setup, in: folder) { gateway in
      try folder.write("renewable.pem", "-----BEGIN CERTIFICATE-----\nnone\n", mode: 0o600)
      let result = try await gateway.reload()
      #expect(result.status == 1, "\(result.output)")
      #expect(result.errors.contains("sluice.yaml:2:") && result.errors.contains("renewable.pem"), "\(result.errors)")
      #expect(result.errors.contains("the gateway goes on with the configuration that it has"))
      #expect(gateway.log.contains("Configuration not taken"))
      let outcome = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
      #expect(try folder.stored(outcome.key.text) == pattern(1000))
    }
  }

  @Test("every fault of the text is told with its line, and nothing of it is taken")
  func brokenText() async throws {
    try await withGatewayProcess { gateway in
      var setup = GatewaySetup()
      setup.routes = GatewaySetup.plainRoute("streams: false") + "  /b: {stor: {directory: b}}\n"
      try gateway.configure(setup)
      let result = try await gateway.reload()
      #expect(result.status == 1)
      #expect(result.errors.contains("unknown key `stor`"), "\(result.errors)")
      // Streams are taken as before.
      _ = try await UploadClient.test().upload(.bytes(pattern(1000)), to: gateway.url(), options: .once)
    }
  }

  @Test("what takes a restart is a warning with its line, and the rest is taken")
  func restartNeeded() async throws {
    try await withGatewayProcess { gateway in
      var setup = GatewaySetup()
      setup.state = "elsewhere"
      setup.more = "memory: 100 MiB"
      setup.routes = "  /upload-file: {store: {directory: other}, streams: false}\n"
      try gateway.configure(setup)
      let result = try await sluice(
        ["reload", "--config", gateway.folder.write("running.yaml", GatewaySetup().yaml)], in: gateway.folder)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("sluice.yaml:3:1: warning: `state` cannot change"), "\(result.errors)")
      #expect(result.errors.contains("warning: `memory` cannot change"))
      #expect(result.errors.contains("/upload-file: where its uploads go cannot change"))
      // Of what can change all has.
      let refused = await failure {
        try await UploadClient.test().upload(.bytes(pattern(3_000_000)), to: gateway.url(), options: .once)
      }
      #expect(refused != nil)
    }
  }

  @Test("without a gateway there is nobody to tell")
  func nobody() async throws {
    let folder = try GatewayFolder()
    let file = try folder.write("sluice.yaml", GatewaySetup().yaml)
    let result = try await sluice(["reload", "--config", file], in: folder)
    #expect(result.status == 1 && result.errors.contains("no gateway runs over the state folder"), "\(result.errors)")
  }
}

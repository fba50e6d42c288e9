import ConfigurationReading
import Foundation
import GatewayCore
import Testing

@testable import GatewayServer

@Suite struct ConfigurationAccessTests {
  let folder: ConfigurationFolder

  init() throws {
    folder = try ConfigurationFolder()
  }

  private func yaml(listen: String, tls: String = "", access: String = "") -> String {
    """
    listen: \(listen)
    tls: {certificate: certs/dev/server.pem, private-key: certs/dev/server.key\(tls)}
    routes:
      /upload-file:
        store: {directory: var/uploads}
        \(access)
    """
  }

  private let authority = ", client-ca: certs/dev/clients-ca.pem"

  @Test(
    "without a word on access, a listener that the network reaches is refused",
    arguments: ["0.0.0.0:8443", "\"[::]:8443\"", "10.0.0.1:8443", "gateway.example.org:8443"])
  func silence(_ listen: String) {
    for tls in ["", authority + ", client-certificate: optional"] {
      let faults = folder.faults(yaml(listen: listen, tls: tls))
      #expect(faults.map(\.line) == [4])
      #expect(faults.first?.hint.contains("`access: anyone`") == true)
    }
  }

  @Test("without a word on access, a loopback listener takes anyone")
  func loopback() throws {
    for listen in ["127.0.0.1:0", "localhost:8443", "\"[::1]:8443\""] {
      let access = try folder.parse(yaml(listen: listen)).routes[0].route.access
      #expect(access.takesAnyone && !access.takesCertificates && access.tokens == nil)
    }
  }

  @Test("without a word on access, a listener that requires certificates takes all of them")
  func requiredCertificates() throws {
    for tls in [authority, authority + ", client-certificate: required"] {
      let access = try folder.parse(yaml(listen: "0.0.0.0:8443", tls: tls)).routes[0].route.access
      #expect(access.takesAnyone && access.takesCertificates)
    }
  }

  @Test("the word `anyone` opens a route to the network")
  func anyone() throws {
    let access = try folder.parse(yaml(listen: "0.0.0.0:8443", access: "access: anyone")).routes[0].route.access
    #expect(access.takesAnyone)
  }

  @Test("named tokens keep everybody else out")
  func tokens() throws {
    let yaml = yaml(listen: "0.0.0.0:8443", access: "access: {tokens: tokens.txt}")
    let access = try folder.parse(yaml).routes[0].route.access
    #expect(!access.takesAnyone && !access.takesCertificates)
    let tokens = try #require(access.tokens)
    #expect(tokens.name(of: "secret") == "backup")
    for wrong in [
      "", "secre", "secret ", "SECRET", "backup", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    ] {
      #expect(tokens.name(of: wrong) == nil)
    }
  }

  @Test("a file of tokens that others can get at is refused", arguments: [0o644, 0o642, 0o666, 0o641])
  func openTokenFile(mode: Int) throws {
    try folder.write("open.txt", ConfigurationFolder.wordDigest, mode: mode)
    let faults = folder.faults(yaml(listen: "127.0.0.1:1", access: "access: {tokens: open.txt}"))
    #expect(faults.map(\.file) == [folder.path + "/open.txt"])
    #expect(faults.first?.message.contains("(mode 0\(String(mode, radix: 8)))") == true)
    #expect(faults.first?.hint == "run `chmod 0640 \(folder.path)/open.txt`, or 0600")
  }

  @Test("a name may have two tokens, and upper case digits are digits")
  func rotation() throws {
    let other = "backup 2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE"
    let file = try TokenFile(text: "# two\r\n\(ConfigurationFolder.wordDigest)\r\n\t\(other)  # foo", file: "tokens")
    #expect(file.name(of: "secret") == "backup")
    #expect(file.name(of: "foo") == "backup")
  }

  @Test(
    "each faulty line of a file of tokens is reported, and never what stands in a digest's place",
    arguments: [
      ("x", 1), ("\na b c", 2), ("# c\nname secret-in-the-clear", 2), ("n \(String(repeating: "0", count: 63))", 1),
      ("n \(String(repeating: "é", count: 64))", 1), ("na/me \(String(repeating: "0", count: 64))", 1),
      ("\(ConfigurationFolder.wordDigest)\n\(ConfigurationFolder.wordDigest)", 2), ("", 0), ("# only\n", 0),
    ])
  func tokenFaults(_ text: String, line: Int) {
    do throws(ConfigurationFaults) {
      _ = try TokenFile(text: text, file: "tokens")
      Issue.record("taken")
    } catch {
      #expect(error.faults.map(\.line) == [line])
      #expect(!error.description.contains("secret-in-the-clear"))
    }
  }
}

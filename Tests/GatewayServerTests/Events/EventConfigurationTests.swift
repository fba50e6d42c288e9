import ConfigurationReading
import Foundation
import GatewayCore
import OperatingSystem
import Testing

@testable import GatewayServer

/// `events`, as the file has it.
@Suite struct EventConfigurationTests {
  private let folder: GatewayFolder

  init() throws {
    folder = try GatewayFolder()
    try folder.write("hook", "#!/bin/sh\nexit 0\n", mode: 0o755)
    try folder.write("secret", "# of the catalogue\nwhsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", mode: 0o600)
  }

  private func read(_ events: String) throws -> [Configuration.EventTarget] {
    try GatewaySetup(more: "events: {\(events)}").configuration(in: folder).events
  }

  private func faults(_ events: String) -> String {
    do {
      _ = try read(events)
      return "nothing is wrong"
    } catch {
      return "\(error)"
    }
  }

  @Test("a command hears of completions on all routes, unless something else is said") func defaults() throws {
    let target = try #require(try read("audit: {command: [./hook, --source, a b]}").first)
    #expect(target.name == "audit" && target.kinds == [.completed] && target.routes == nil)
    #expect(target.timeLimit == .seconds(30))
    #expect(target.terms == DeliveryMachine.Terms(atOnce: 4, tries: 1000, giveUpAfter: 3 * 86_400_000))
    guard case .command(let command) = target.recipient else {
      Issue.record("\(target.recipient)")
      return
    }
    #expect(command.arguments == [folder.path + "/hook", "--source", "a b"])
    #expect(!command.connects && command.reads.isEmpty && command.writes.isEmpty)
    #expect(target.hears(.completed, of: "/upload-file") && !target.hears(.begun, of: "/upload-file"))
  }

  @Test("a server has a secret from a file, and nothing of it is in any word") func server() throws {
    let target = try #require(
      try read(
        """
        a: {url: "https://a.example/hook", secret: secret, when: [begun, expired], routes: [/upload-file], tries: 3,
        give-up-after: 1h, at-once: 1, time-limit: 5s}
        """
      ).first)
    guard case .server(let server) = target.recipient else {
      Issue.record("\(target.recipient)")
      return
    }
    #expect("\(server.url)" == "https://a.example/hook" && server.secrets.keys.map(\.count) == [24])
    #expect("\(server.secrets)" == "1 secret(s)")
    #expect(target.kinds == [.begun, .expired] && target.routes == ["/upload-file"])
    #expect(target.terms == DeliveryMachine.Terms(atOnce: 1, tries: 3, giveUpAfter: 3_600_000))
  }

  @Test(
    "what is wrong is told with what to do",
    arguments: [
      ("a: {}", "neither `command` nor `url`"),
      ("a: {command: [./hook], url: \"https://a.example/\", secret: secret}", "both `command` and `url`"),
      ("a: {command: [hook]}", "`hook` is no path"),
      ("a: {command: [./secret]}", "cannot be run"),
      ("a: {command: [./missing]}", "cannot read"),
      ("a: {url: \"http://a.example/\", secret: secret}", "https://"),
      ("a: {url: \"https://a.example/\"}", "has no `secret`"),
      ("a: {url: \"https://a.example/\", secret: secret, reads: [/tmp]}", "`reads` is for commands"),
      ("a: {command: [./hook], secret: secret}", "`secret` is for `url`"),
      ("a: {command: [./hook], when: []}", "`when` is empty"),
      ("a: {command: [./hook], when: [done]}", "`done` is not one of"),
      ("a: {command: [./hook], routes: [/upload-fil]}", "did you mean `/upload-file`?"),
      ("\"a b\": {command: [./hook]}", "no name of a target"),
    ])
  func faults(_ example: (events: String, words: String)) {
    #expect(faults(example.events).contains(example.words), "\(faults(example.events))")
  }

  @Test("a secret that others can read, or that is none, is refused without a word of it") func secrets() throws {
    try folder.write("open", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", mode: 0o644)
    try folder.write("short", "whsec_c2VjcmV0\n", mode: 0o600)
    try folder.write("empty", "# nothing\n", mode: 0o600)
    for (name, words) in [("open", "mode 0644"), ("short", "no secret on line 1"), ("empty", "is empty")] {
      let text = faults("a: {url: \"https://a.example/\", secret: \(name)}")
      #expect(text.contains(words) && !text.contains("c2Vjcm") && !text.contains("MfKQ"), "\(text)")
    }
  }

  @Test("a message is signed as the vector of Standard Webhooks has it") func vector() throws {
    let target = try #require(try read("a: {url: \"https://a.example/\", secret: secret}").first)
    guard case .server(let server) = target.recipient else { return }
    let fields = server.secrets.fields(
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek", body: "{\"test\": 2432232314}", at: 1_614_265_330)
    #expect(fields.map(\.name) == ["webhook-id", "webhook-timestamp", "webhook-signature"])
    #expect(fields.last?.value == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  @Test("what a command needs is within a confined gateway's reach, and what it does not need is not") func reach()
    throws
  {
    let setup = GatewaySetup(more: "events: {a: {command: [./hook], reads: [/etc], writes: [/tmp]}}")
    let configuration = try setup.configuration(in: folder)
    let reach = ReachablePlaces(configuration)
    let home = FilePlace.canonical(folder.path)
    #expect(reach.places.contains { $0.path == home && $0.right == .run })
    #expect(reach.places.contains { $0.path == "/tmp" && $0.right == .write })
    #expect(!reach.ports.connects)
    let plain = ReachablePlaces(try GatewaySetup().configuration(in: folder))
    #expect(!plain.places.contains { $0.right == .run })
    #expect(!plain.lacks(for: reach).isEmpty && reach.lacks(for: plain).isEmpty)
  }
}

package import Forwarders
package import GatewayCore
package import HTTPUpload

extension Configuration {
  /// Somebody outside of the gateway who is told things.
  package enum Recipient: Hashable, Sendable {
    /// A program, by standard input.
    case command(Command)
    /// A server, by HTTPS.
    case server(Server)
  }

  /// A program that is started for each thing that it is told.
  package struct Command: Hashable, Sendable {
    /// Its absolute path, and what it is told besides.
    package var arguments: [String]
    /// Files and folders that it reads, where the gateway is confined; absolute.
    package var reads: [String]
    /// Folders that it writes to, where the gateway is confined; absolute.
    package var writes: [String]
    /// Whether it may connect to anything, where the gateway is confined.
    package var connects: Bool
  }

  /// A server that is told by HTTP POST.
  package struct Server: Hashable, Sendable {
    /// Where to.
    package var url: HTTPSURL
    /// What messages are signed with.
    package var secrets: WebhookSecrets
    /// PEM file: whom it may be vouched for by; `nil` for the system's authorities.
    package var authorities: String?
  }

  /// Who judges a route's new uploads before they are offered.
  package struct OpeningHook: Hashable, Sendable {
    /// Who it is.
    package var recipient: Recipient
    /// How long one answer may take.
    package var timeLimit: Duration
    /// Uploads that are judged at once.
    package var atOnce: Int
    /// Whether an upload is let in where there is no answer, as it would be without a judge.
    package var failsOpen: Bool
  }

  /// Who judges a route's whole uploads before they are complete.
  package struct HoldUntil: Hashable, Sendable {
    /// Who it is.
    package enum Scanner: Hashable, Sendable {
      /// A program.
      case command(Command)
      /// ClamAV's daemon.
      case clamd(BackendAddress)
      /// A service of ICAP.
      case icap(ICAPURL)
    }

    /// Who it is.
    package var checker: Scanner
    /// How long one upload may be judged, attempts that failed included.
    package var timeLimit: Duration
    /// Uploads that are judged at once.
    package var atOnce: Int
    /// Whether an upload is complete where there is no answer.
    package var failsOpen: Bool
    /// Whether the file of one that does not pass is put aside.
    package var keepsRejected: Bool
  }

  /// All that are told anything, by whatever part of the configuration.
  var recipients: [Recipient] {
    events.map(\.recipient) + routes.compactMap(\.onOpen?.recipient) + routes.compactMap(\.holdUntil?.recipient)
  }

  /// Who hears of what becomes of uploads.
  package struct EventTarget: Hashable, Sendable {
    /// The configuration's own name for it.
    package var name: String
    /// Who it is.
    package var recipient: Recipient
    /// What it hears of.
    package var kinds: Set<EventKind>
    /// Of uploads to these routes, by path; `nil` for all.
    package var routes: Set<String>?
    /// How long one delivery may take.
    package var timeLimit: Duration
    /// How it is dealt with.
    package var terms: DeliveryMachine.Terms
  }
}

/// The secrets that messages to a server are signed with. Several where one is being replaced.
package struct WebhookSecrets: Hashable, Sendable, CustomStringConvertible {
  /// In the order of the file; none where files were not looked at.
  let keys: [[UInt8]]

  /// Nothing of them.
  package var description: String { "\(keys.count) secret(s)" }
}

extension Configuration.HoldUntil {
  /// `nil` for one that is neither a program nor told by HTTP.
  var recipient: Configuration.Recipient? {
    if case .command(let command) = checker { .command(command) } else { nil }
  }

  /// Whether the gateway connects to it by TCP.
  var connects: Bool {
    switch checker {
    case .clamd(.host), .icap: true
    case .clamd(.unix), .command: false
    }
  }
}

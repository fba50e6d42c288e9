import ArgumentParser
import GatewayServer

/// What others have yet to hear of uploads.
struct Events: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what is still to be delivered of events, and send dead letters again.",
    discussion: "docs/events.md says what events are. All of these work while the gateway runs and when it does not.",
    subcommands: [EventsList.self, EventsRetry.self, EventsForget.self], defaultSubcommand: EventsList.self)
}

/// Which gateway's events a command is about.
struct EventOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The gateway's configuration; without it the embedded default's.", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("For this target alone.", valueName: "name"))
  var target: String?
}

/// Which dead letters a command is about.
struct DeadLetterOptions: ParsableArguments {
  @Argument(help: ArgumentHelp("The events, by their ids.", valueName: "id"))
  var ids: [String] = []

  @Flag(help: "All of them.")
  var all = false

  func validate() throws {
    guard all == ids.isEmpty else {
      throw ValidationError(all ? "Name events, or say --all, not both" : "Name an event, or say --all")
    }
  }

  var selected: [String]? { all ? nil : ids }

  /// Ends the command where nothing was meant.
  func check(_ count: Int) throws {
    guard count > 0 || all else {
      throw CommandFailure("there is no such dead letter; `sluice events --dead` lists them")
    }
  }
}

/// Lists events.
struct EventsList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the events that wait for their targets.")

  @OptionGroup var options: EventOptions

  @Flag(help: "Dead letters alone: those that are not sent again by themselves.")
  var dead = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    let account = try LedgerOptions.reading(options.config) {
      try EventAccount($0, target: options.target, deadOnly: dead)
    }
    if json { return Console.output(JSONText.line(account)) }
    var table = TextTable("ID", "TARGET", "AT", "TRIES", "NEXT", "REASON")
    for event in account.events {
      let next = event.dead != nil ? "dead" : event.isConfigured ? event.due ?? "-" : "no such target"
      table.append(event.id, event.target, event.at, "\(event.tries)", next, event.reason ?? "-")
    }
    Console.output(table.lines())
  }
}

/// Sends dead letters again.
struct EventsRetry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Send dead letters again, as if nobody had tried before.",
    discussion: "A running gateway sends them within a few seconds, another one once it starts.")

  @OptionGroup var letters: DeadLetterOptions
  @OptionGroup var options: EventOptions

  func run() throws {
    let count = try LedgerOptions.reading(options.config) {
      try EventAccount.sendAgain(letters.selected, target: options.target, $0)
    }
    try letters.check(count)
    Console.output("\(count) event(s) are sent again")
  }
}

/// Forgets dead letters.
struct EventsForget: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Forget dead letters: nobody hears of them any more.")

  @OptionGroup var letters: DeadLetterOptions
  @OptionGroup var options: EventOptions

  func run() throws {
    let count = try LedgerOptions.reading(options.config) {
      try EventAccount.forget(letters.selected, target: options.target, $0)
    }
    try letters.check(count)
    Console.output("\(count) event(s) forgotten")
  }
}

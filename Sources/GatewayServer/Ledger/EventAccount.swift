import GatewayCore
import TextForms

/// Events that wait for their targets, read while the gateway runs or after it.
package struct EventAccount: Sendable, Encodable {
  /// One event for one target.
  package struct Entry: Sendable, Encodable {
    /// The same for all targets, and at each delivery.
    package let id: String
    /// The configuration's name for who hears of it.
    package let target: String
    /// What happened.
    package let kind: String
    /// The key of the upload.
    package let key: String
    /// When it happened, as RFC 3339 has it.
    package let at: String
    /// How often it was sent in vain.
    package let tries: Int
    /// When it is sent next; `nil` for a dead letter.
    package let due: String?
    /// When it became a dead letter.
    package let dead: String?
    /// Why it was sent in vain the last time.
    package let reason: String?
    /// Whether the configuration knows the target.
    package let isConfigured: Bool
  }

  /// In the order in which they happened.
  package let events: [Entry]

  /// Reads a gateway's ledger.
  ///
  /// - Throws: `LedgerOpenError`, `LedgerError`.
  package init(_ configuration: Configuration, target: String? = nil, deadOnly: Bool = false) throws {
    let names = Set(configuration.events.map(\.name))
    let ledger = try LedgerFolder(configuration).inspect()
    events = try ledger.events(EventSelection(target: target, deadOnly: deadOnly)).map { Entry($0, configured: names) }
  }

  /// Makes dead letters due at once: those with these ids, or all.
  ///
  /// - Returns: how many.
  /// - Throws: `LedgerOpenError`, `LedgerError`.
  package static func sendAgain(_ ids: [String]?, target: String?, _ configuration: Configuration) throws -> Int {
    try LedgerFolder(configuration).correct().sendAgain(EventSelection(ids: ids, target: target))
  }

  /// Forgets dead letters: those with these ids, or all.
  ///
  /// - Returns: how many.
  /// - Throws: `LedgerOpenError`, `LedgerError`.
  package static func forget(_ ids: [String]?, target: String?, _ configuration: Configuration) throws -> Int {
    try LedgerFolder(configuration).correct()
      .forgetEvents(EventSelection(ids: ids, target: target, deadOnly: true))
  }
}

extension EventAccount.Entry {
  init(_ record: EventRecord, configured: Set<String>) {
    let event = record.event
    id = event.id
    target = event.target
    kind = event.kind.rawValue
    key = event.key.text
    at = RFC3339(milliseconds: event.at.milliseconds).text
    tries = event.tries
    due = record.deadAt == nil ? RFC3339(milliseconds: record.dueAt.milliseconds).text : nil
    dead = record.deadAt.map { RFC3339(milliseconds: $0.milliseconds).text }
    reason = record.reason
    isConfigured = configured.contains(event.target)
  }
}

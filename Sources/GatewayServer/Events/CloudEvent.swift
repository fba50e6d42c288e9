import Forwarders
import GatewayCore
import HTTPUpload
import NIOCore
import TextForms

/// What is told of an upload: CloudEvents 1.0 in structured mode (JSON). docs/events.md describes it.
enum CloudEvent {
  static let contentType = "application/cloudevents+json; charset=utf-8"

  static func type(_ kind: EventKind) -> String { "sluice.upload.\(kind.rawValue)" }

  /// - Parameters:
  ///   - gateway: the gateway's name.
  ///   - path: of the file, where there is one.
  static func body(
    _ kind: EventKind, _ upload: UploadRecord, path: String?, gateway: String, at now: WallTime
  ) -> String {
    let facts = upload.facts
    return JSONText.object([
      ("specversion", .string("1.0")),
      ("id", .string(Event.id(of: kind, upload.key))),
      ("source", .string("sluice://\(gateway)\(facts.route)")),
      ("type", .string(type(kind))),
      ("subject", .string(upload.key.logID)),
      ("time", .string(RFC3339(milliseconds: now.milliseconds).text)),
      ("datacontenttype", .string("application/json")),
      ("data", .object(data(upload, path: path))),
    ]).text
  }

  static let openingType = "sluice.upload.opening"

  /// What is asked of an upload before it is offered.
  static func opening(_ opening: Opening, gateway: String) -> String {
    let facts = opening.facts
    let upload = UploadRecord(
      facts: facts, committed: 0, granted: 0, state: .open, epoch: 0, expiresAt: facts.createdAt)
    var members = data(upload, path: nil).filter { $0.name != "safe" && $0.name != "key" }
    if let address = opening.connection.remote?.ipAddress { members.append((name: "address", value: .string(address))) }
    if facts.role == .part { members.append((name: "part", value: .boolean(true))) }
    return JSONText.object([
      ("specversion", .string("1.0")),
      ("id", .string("\(facts.key.logID)-opening")),
      ("source", .string("sluice://\(gateway)\(facts.route)")),
      ("type", .string(openingType)),
      ("subject", .string(facts.key.logID)),
      ("time", .string(RFC3339(milliseconds: facts.createdAt.milliseconds).text)),
      ("datacontenttype", .string("application/json")),
      ("data", .object(members)),
    ]).text
  }

  static let checkingType = "sluice.upload.checking"

  /// What is asked of a whole upload before it is complete.
  static func checking(_ file: FileToCheck, gateway: String, at now: WallTime) -> String {
    let facts = file.facts
    let upload = UploadRecord(
      facts: facts, committed: file.size, granted: 0, state: .open, epoch: 0, expiresAt: now)
    var members = data(upload, path: file.path)
    members.append((name: "compressed", value: .boolean(file.isCompressed)))
    return JSONText.object([
      ("specversion", .string("1.0")),
      ("id", .string("\(facts.key.logID)-checking")),
      ("source", .string("sluice://\(gateway)\(facts.route)")),
      ("type", .string(checkingType)),
      ("subject", .string(facts.key.logID)),
      ("time", .string(RFC3339(milliseconds: now.milliseconds).text)),
      ("datacontenttype", .string("application/json")),
      ("data", .object(members)),
    ]).text
  }

  /// What is known of the upload alone.
  static func data(_ upload: UploadRecord, path: String?) -> [(name: String, value: JSONText)] {
    let facts = upload.facts
    let members: [(name: String, value: JSONText?)] = [
      ("key", .string(upload.key.text)),
      ("route", .string(facts.route)),
      ("client", facts.subject.isEmpty ? nil : .string(facts.subject)),
      ("name", facts.label.map { JSONText.string($0) }),
      ("format", .string(facts.format.rawValue)),
      ("total", facts.total.map { JSONText.number($0) }),
      ("safe", .number(upload.committed)),
      ("sha256", facts.digest.map { JSONText.string(Hexadecimal.text($0.bytes)) }),
      ("begun", .string(RFC3339(milliseconds: facts.createdAt.milliseconds).text)),
      ("path", path.map { JSONText.string($0) }),
      (
        "metadata",
        facts.metadata.isEmpty
          ? nil
          : .object(facts.metadata.sorted { $0.key < $1.key }.map { (name: $0.key, value: JSONText.string($0.value)) })
      ),
    ]
    return members.compactMap { member in member.value.map { (name: member.name, value: $0) } }
  }
}

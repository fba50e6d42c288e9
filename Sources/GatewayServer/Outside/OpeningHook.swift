import FoundationEssentials
import GatewayCore
import HTTPUpload
import Logging
import NIOCore
import Synchronization
import TextForms

/// Asks somebody outside of the gateway about each new upload (docs/events.md, "on-open").
final class OpeningHook: OpeningJudge {
  private let settings: Configuration.OpeningHook
  let recipient: any OutsideRecipient
  private let gateway: String
  private let logger: Logger
  private let turns: Turns
  private let underway = Atomic(0)

  /// Bytes of an answer that are read.
  static let answerLimit = 4096
  /// Uploads that wait for their turn beside those that are judged at once.
  private static let waitingLimit = 256

  init(
    _ settings: Configuration.OpeningHook, to recipient: any OutsideRecipient, gateway: String, logger: Logger
  ) {
    self.settings = settings
    self.recipient = recipient
    self.gateway = gateway
    self.logger = logger
    turns = Turns(settings.atOnce)
  }

  func judge(_ opening: Opening, on eventLoop: any EventLoop) -> EventLoopFuture<OpeningWish> {
    let count = underway.add(1, ordering: .relaxed).newValue
    guard count <= settings.atOnce + Self.waitingLimit else {
      underway.subtract(1, ordering: .relaxed)
      return eventLoop.makeFailedFuture(Refusal.busy(retryAfter: 1))
    }
    return eventLoop.makeFutureWithTask { [self] in
      defer { underway.subtract(1, ordering: .relaxed) }
      return try await ask(opening)
    }
  }

  private func ask(_ opening: Opening) async throws -> OpeningWish {
    let facts = opening.facts
    let message = OutsideMessage(
      id: "\(facts.key.logID)-opening", type: CloudEvent.openingType,
      body: CloudEvent.opening(opening, gateway: gateway))
    await turns.begin()
    let answer = await recipient.send(message)
    await turns.end()
    let reason: String
    switch answer {
    case .taken(let bytes):
      do throws(OpeningAnswer.Fault) {
        return try OpeningAnswer(bytes).wish()
      } catch {
        switch error {
        case .declined(let seconds?): throw Refusal.busy(retryAfter: seconds)
        case .declined(nil): throw Refusal.declined
        case .malformed(let what): reason = what
        }
      }
    case .refused(let what, _): reason = what
    }
    logger.error(
      "Nobody answered `on-open`",
      metadata: [
        "route": "\(facts.route)", "upload": "\(facts.key.logID)", "reason": "\(reason)",
        "fail": "\(settings.failsOpen ? "open" : "closed")",
      ])
    if settings.failsOpen { return OpeningWish() }
    throw Refusal.backend("`on-open` has no answer: \(reason)")
  }
}

/// What is answered to `on-open`: nothing, or one JSON object.
struct OpeningAnswer {
  /// Why nothing is wished of the upload.
  enum Fault: Error, Equatable {
    /// It is not wanted; with seconds it may be asked for again after them.
    case declined(retryAfter: Int?)
    /// The answer is none.
    case malformed(String)
  }

  private struct Words: Decodable {
    var allow: Bool?
    var retryAfter: Int?
    var name: String?
    var client: String?
    var folder: String?

    enum CodingKeys: String, CodingKey {
      case allow, name, client, folder
      case retryAfter = "retry-after"
    }
  }

  private let words: Words

  init(_ bytes: [UInt8]) throws(Fault) {
    guard bytes.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
      words = Words()
      return
    }
    do {
      words = try JSONDecoder().decode(Words.self, from: Data(bytes))
    } catch {
      throw .malformed("its answer is no JSON object with `allow`, `name`, `client` or `folder`")
    }
  }

  func wish() throws(Fault) -> OpeningWish {
    if words.allow == false { throw .declined(retryAfter: words.retryAfter.map { min(max($0, 1), 86_400) }) }
    var wish = OpeningWish()
    if let name = words.name {
      guard (1...1024).contains(name.utf8.count), !name.unicodeScalars.contains("\0") else {
        throw .malformed("its `name` is empty, or longer than 1024 bytes")
      }
      wish.label = name
    }
    if let client = words.client {
      guard GatewayName.isValid(client) else {
        throw .malformed("its `client` is not 1 to 64 letters, digits, dots, hyphens or underscores")
      }
      wish.client = client
    }
    if let folder = words.folder, !folder.isEmpty {
      wish.folders = folder.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      guard wish.folders.count <= 4, wish.folders.allSatisfy(Self.isFolder) else {
        throw .malformed("its `folder` is not up to 4 names, as `2026/november`, none of them with a dot in front")
      }
    }
    return wish
  }

  /// None leads out of the store, or to what the gateway keeps there for itself.
  private static func isFolder(_ name: String) -> Bool {
    (1...100).contains(name.utf8.count) && !name.hasPrefix(".")
      && name.unicodeScalars.allSatisfy { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
        default: scalar != "\\"
        }
      }
  }
}

/// A question for an upload that exists, or its end: HEAD or DELETE of its URL. Where nobody knows in which way it began, it
/// is asked in one after the other.
package struct UploadQuestion: Sendable {
  /// What is asked.
  package enum Kind: Sendable {
    /// How far is it?
    case position
    /// It is given up.
    case removal
  }

  /// What an answer means.
  package enum Step: Sendable {
    /// Ask again, in another way.
    case next
    /// So far it is; `length` is nil where the server does not say.
    case position(offset: Int64, length: Int64?, isComplete: Bool)
    /// It is gone.
    case removed
    case fail(DialogueProblem)
  }

  private let kind: Kind
  private var url: HTTPSURL
  private var dialects: [ClientDialect]
  private var redirects = 0

  /// A question.
  ///
  /// - Parameter dialect: the way in which the upload began; nil if nobody knows.
  package init(_ kind: Kind, of url: HTTPSURL, _ dialect: ClientDialect?) {
    self.kind = kind
    self.url = url
    dialects = dialect.map { [$0] } ?? [.newest, .tus, .resumable(6)]
  }

  /// The next request.
  package var request: DialogueRequest {
    DialogueRequest(kind == .position ? "HEAD" : "DELETE", url, dialects.first ?? .newest)
  }

  /// The server answered.
  package mutating func answered(_ answer: ServerAnswer) -> Step {
    if (300..<400).contains(answer.status) { return redirected(answer) }
    if [404, 410].contains(answer.status) { return .fail(DialogueProblem(.unknownUpload, answer)) }
    guard answer.isSuccess else {
      // Another dialect's server says so.
      guard [400, 405, 406, 412, 415, 501].contains(answer.status), dialects.count > 1 else {
        return .fail(DialogueProblem(.refused, answer))
      }
      dialects.removeFirst()
      return .next
    }
    if kind == .removal { return .removed }
    guard let offset = answer.offset else { return .fail(DialogueProblem(.missing("Upload-Offset"), answer)) }
    return .position(
      offset: offset, length: answer.length, isComplete: answer.isComplete ?? (answer.length == offset))
  }

  private mutating func redirected(_ answer: ServerAnswer) -> Step {
    let text = answer.fields.first("Location")?.trimmedOfBlanks ?? ""
    guard [307, 308].contains(answer.status), redirects < UploadDialogue.mostRedirects,
      let next = url.resolving(text), next.isSameOrigin(url)
    else { return .fail(DialogueProblem(.redirect(text), answer)) }
    redirects += 1
    url = next
    return .next
  }
}

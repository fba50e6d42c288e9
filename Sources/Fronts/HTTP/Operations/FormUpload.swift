import GatewayCore
import HTTPUpload
import NIOCore

/// A POST of `multipart/form-data`: each file is an upload of its own, one after another. What breaks off drops its file, and
/// keeps those before it.
final class FormUpload: HTTPOperation {
  /// Both let go of each other at the exchange's end: late words of the core find both.
  private let exchange: HTTPExchange
  private let request: HTTPRequest
  private var machine: MultipartMachine
  private var completed: [(key: UploadKey, label: String?, size: Int64, digest: ContentDigest?)] = []
  private var label: String?
  private var isInFile = false
  private var position: Int64 = 0
  private var isOffered = false
  private var isEnding = false
  private var key: UploadKey?
  private var hasEnded = false
  private var skipped = 0

  /// Bytes of fields that are no files, in all.
  private static let mostToSkip = 1 << 20

  init(_ exchange: HTTPExchange, _ request: HTTPRequest) throws(HTTPProblem) {
    self.exchange = exchange
    self.request = request
    self.machine = try MultipartMachine(of: exchange.fields)
  }

  func begin() {
    // Who may not upload here must not bring a form either.
    do throws(Refusal) {
      try exchange.gateway.authorize(request.access)
    } catch {
      RefusalLog(gateway: exchange.gateway, logger: exchange.front.logger).note(error, request.access, exchange.about)
      return refused(HTTPProblem(error))
    }
    if request.head.expectsContinue { exchange.handler.send(interim: 100, [:]) }
    exchange.takesForm = { [weak self] in self?.take($0) }
  }

  /// Bytes of the form, or its end.
  private func take(_ bytes: ByteBuffer?) {
    if let bytes { machine.receive(bytes) } else { hasEnded = true }
    proceed()
  }

  /// Whether nothing more of the form is taken for now.
  var holdsReading: Bool { (isInFile && !isOffered) || isEnding || exchange.session?.isPaused == true }

  private func proceed() {
    while !exchange.isAnswered, !isEnding, !(isInFile && !isOffered) {
      guard let event = machine.next() ?? (hasEnded ? machine.finish() : nil) else { return }
      switch event {
      case .partBegins(let head): partBegins(head)
      case .bytes(let bytes): if isInFile { write(bytes) } else { skip(bytes) }
      case .partEnds: if isInFile { endFile() }
      case .allEnded: return answer()
      case .malformed(let fault): return refused(.badForm(fault))
      }
    }
  }

  private func partBegins(_ head: PartHead) {
    guard let disposition = head.disposition, disposition.isFile else { return }
    do throws(HTTPProblem) {
      (label, isInFile, isOffered, position) = (disposition.label, true, false, 0)
      let upload = UploadRequest(
        access: request.access, shape: .whole, format: try request.format(head.mediaType), total: nil, label: label,
        atMost: request.head.contentLength, understandsParts: false, transfer: request.transfer(exchange))
      do throws(Refusal) {
        try exchange.makeSession()?.open(upload, about: exchange.about)
      } catch {
        refused(HTTPProblem(error))
      }
    } catch {
      refused(error)
    }
  }

  private func write(_ bytes: ByteBuffer) {
    guard let session = exchange.session else { return }
    guard position + Int64(bytes.readableBytes) <= session.grantedEnd else { return tooMuch() }
    position += Int64(bytes.readableBytes)
    session.write(bytes)
  }

  /// The fields of a form that are no files say nothing to the gateway.
  private func skip(_ bytes: ByteBuffer) {
    skipped += bytes.readableBytes
    if skipped > Self.mostToSkip { refused(.tooLarge(limit: Int64(Self.mostToSkip))) }
  }

  private func endFile() {
    isEnding = true
    exchange.session?.finish()
  }

  func offered(_ offer: UploadOffer) {
    key = offer.key
    isOffered = true
    exchange.onNextTurn { [weak self] in self?.proceed() }
  }

  func bodyEnded() {}

  func tooMuch() {
    refused(exchange.excess(total: nil, limit: request.terms.largestUpload))
  }

  func safe(upTo offset: Int64) {}

  func complete(size: Int64, _ result: SinkResult) {
    if let key { completed.append((key, label, size, result.digest)) }
    (isInFile, isEnding, key) = (false, false, nil)
    exchange.session?.ended()
    exchange.onNextTurn { [weak self] in self?.proceed() }
  }

  func alreadyComplete(_ account: UploadAccount) { refused(.storageFailed) }

  func suspended(at offset: Int64) { tooMuch() }

  func failed(_ problem: HTTPProblem, safe: Int64) { refused(problem) }

  func refused(_ problem: HTTPProblem) {
    exchange.answer(problem, HTTPFields(), more: [("completed", .array(files))])
  }

  private var files: [JSONText] {
    completed.map { file in
      .object(
        [
          ("name", file.label.map { .string($0) } ?? .string("")), ("size", .number(file.size)),
          ("location", .string(request.location(of: file.key))),
        ] + request.digestFields(file.digest).pairs.map { ($0.name.lowercased(), .string($0.value)) })
    }
  }

  private func answer() {
    guard !completed.isEmpty else { return refused(.badForm(.noFile)) }
    guard HTTPPage.wantsHTML(exchange.fields) else {
      return exchange.respond(
        status: 201, ["Content-Type": "application/json", "X-Content-Type-Options": "nosniff"],
        ByteBuffer(string: JSONText.object([("files", .array(files))]).text + "\n"))
    }
    let rows = completed.map { "<li>\(($0.label ?? "upload").escapedForHTML) (\($0.size) bytes)</li>" }.joined()
    let page =
      "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><link rel=icon href=data:,><title>Uploaded</title><h1>Uploaded</h1>"
      + "<ul>\(rows)</ul><p><a href=\"\(request.place.route.escapedForHTML)\">More</a></p></html>\n"
    exchange.respond(
      status: 201,
      [
        "Content-Type": "text/html; charset=utf-8", "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
      ], ByteBuffer(string: page))
  }
}

extension String {
  /// A client's text in a page.
  fileprivate var escapedForHTML: String {
    reduce(into: "") { text, character in
      switch character {
      case "<": text += "&lt;"
      case ">": text += "&gt;"
      case "&": text += "&amp;"
      case "\"": text += "&quot;"
      case "'": text += "&#39;"
      default: text.append(character)
      }
    }
  }
}

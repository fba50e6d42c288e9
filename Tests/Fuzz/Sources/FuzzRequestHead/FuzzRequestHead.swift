import FuzzDriver

@testable import HTTPUpload

/// Reads a head by everything that reads heads: a line with method and target, then a line for each field.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRequestHead(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  let words = lines[0].split(separator: " ", maxSplits: 1).map(String.init)
  let fields = HTTPFields(
    lines.dropFirst().prefix(64).map { line in
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return (name: parts[0], value: parts.count > 1 ? parts[1].trimmedOfBlanks : "")
    })
  let method = words.first ?? ""
  checkMessage(method: method, target: words.count > 1 ? words[1] : "", fields)
  for pair in fields.pairs {
    checkStructured(pair.value)
    checkWords(pair.value)
    checkTus(pair.value)
  }
  checkDialect(method: method, fields)
  return 0
}

// The head as a whole

private let routes = ["/files", "/files/deep", "/", "/a/b/c"]

private func checkMessage(method: String, target: String, _ fields: HTTPFields) {
  checkTarget(target)
  for version in [MessageChecks.Version.http10, .http11, .http2] {
    let checks = MessageChecks(hosts: fields.has("X-Hosts") ? ["localhost", "[::1]:8443"] : [])
    let result = Result { () throws(HTTPProblem) in
      try checks.check(method: method, target: target, version: version, fields: fields)
    }
    switch result {
    case .failure(let problem): _ = ProblemAnswer(problem).body
    case .success(let head):
      // Two readers must agree on where the message ends.
      let (lengths, codings) = (fields.all("Content-Length"), fields.all("Transfer-Encoding"))
      switch head.framing {
      case .length(let length):
        precondition(codings.isEmpty && lengths.count == 1 && Int64(lengths[0]) == length, "a length of \(length)")
      case .open: precondition(lengths.isEmpty && (version == .http2 || codings.count == 1), "chunks of \(codings)")
      case .none: precondition(lengths.isEmpty && codings.isEmpty && version != .http2, "no body")
      }
      precondition(fields.count("Host") <= 1 && (version == .http10 || head.authority != nil), "no host, or two")
      if let authority = head.authority { precondition(Authority("\(authority)") == authority, "host \(authority)") }
    }
  }
}

private func checkTarget(_ text: String) {
  guard let target = try? RequestTarget(text), let path = target.path else { return }
  for segment in path.segments {
    precondition(segment != "." && segment != ".." && !segment.utf8.contains(0), "a segment \(segment)")
  }
  for namesOnly in [false, true] {
    guard let place = try? RoutePlace(path, routes: routes, namesOnly: namesOnly) else { continue }
    precondition(routes.contains(place.route), "a route \(place.route)")
    // A label is no path, and a key has the key's letters alone: neither leads anywhere.
    if let key = place.key { precondition(RoutePlace.isKey(key) && !namesOnly, "a key \(key)") }
    if let name = place.name { precondition(FileLabel.isLabel(name) && !name.contains("/"), "a name \(name)") }
  }
}

private func checkDialect(method: String, _ fields: HTTPFields) {
  let meant = UploadDialect.method(method, fields: fields)
  precondition(meant == method || ["PATCH", "DELETE", "HEAD"].contains(meant), "the method \(meant)")
  let length = fields.first("Content-Length").flatMap { WholeNumber.parse($0) }
  switch try? UploadDialect.choose(method: meant, fields: fields) {
  case .tus:
    if let creation = try? TusCreation(fields, contentLength: length), let total = creation.length, let length {
      precondition(!creation.hasContent || length <= total, "more content than the upload has")
    }
    if let append = try? TusAppend(fields, contentLength: length) {
      precondition(append.offset >= 0, "an offset below 0")
    }
  case .resumable(let version):
    let request = ResumableRequest(version, fields: fields, contentLength: length)
    // A part must never be taken for the whole file.
    if let creation = try? request.creation(), creation.isLast {
      precondition(fields.boolean("Upload-Complete") != false || fields.boolean("Upload-Incomplete") == false)
    }
    if let append = try? request.append() { precondition(append.offset >= 0 && append.total ?? .max >= append.offset) }
  case .form: _ = fields.contentType?.parameter("boundary").flatMap { try? MultipartMachine(boundary: $0) }
  case .plain, nil: break
  }
  for name in DigestFields.Name.allCases {
    guard let digest = try? DigestFields(name, of: fields) else { continue }
    precondition(digest.sha256?.count ?? 32 == 32 && digest.sha512?.count ?? 64 == 64, "a digest of another size")
    if let sha256 = try? digest.toCheck() {
      let again = try? DigestFields(name, of: [name.rawValue: DigestFields.value(sha256: sha256)])
      precondition(again?.sha256 == sha256, "a digest that is not read as it is written")
    }
  }
  for name in DigestFields.Name.allCases { _ = DigestWish(name, of: fields) }
  _ = try? CrossSiteCheck(origins: ["https://app.example"]).check(
    method: meant, fields: fields, own: "https://localhost")
}

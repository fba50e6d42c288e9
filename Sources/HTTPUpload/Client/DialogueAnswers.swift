// What answers mean.
extension UploadDialogue {
  /// The server answered the request that was the last.
  package mutating func answered(_ answer: ServerAnswer, _ sent: SentContent = SentContent()) -> Step {
    guard let request = current else { return .fail(DialogueProblem(.missing("a request"), answer)) }
    current = nil
    if (300..<400).contains(answer.status) { return redirected(answer, from: request.url) }
    switch phase {
    case .asking: return described(answer)
    case .creating: return created(answer)
    case .locating: return located(answer)
    case .appending: return appended(answer, request, sent)
    case .plain(let method): return put(answer, method, sent)
    case .over: return .fail(DialogueProblem(.refused, answer))
    }
  }

  // MARK: What the server speaks

  private mutating func described(_ answer: ServerAnswer) -> Step {
    if DialogueProblem(.refused, answer).isWorthAnotherTry, answer.status != 500, answer.status != 409 {
      return .wait(DialogueProblem(.refused, answer))
    }
    limits.read(answer.fields)
    if let problem = sizeProblem(answer) { return fail(problem) }
    if answer.isSuccess, answer.speaksDraft {
      dialect = answer.version.map { .resumable($0) } ?? .newest
      isAnnounced = true
    } else if answer.speaksTus {
      dialect = .tus
      isAnnounced = true
    } else {
      untried = ClientDialect.tried
      dialect = untried.removeFirst()
    }
    phase = .creating
    return .next
  }

  private func sizeProblem(_ answer: ServerAnswer) -> DialogueProblem? {
    guard let limit = limits.maxSize, let total = intent.total, total > limit else { return nil }
    return DialogueProblem(.tooLarge(limit: limit), answer)
  }

  // MARK: The beginning

  private mutating func created(_ answer: ServerAnswer) -> Step {
    guard answer.isSuccess else { return notCreated(answer) }
    if case .resumable = dialect, !isAnnounced, !answer.speaksDraft, answer.offset == nil {
      // It took an empty file, of which it knows nothing more.
      return fallBackToPlain()
    }
    guard let text = answer.fields.first("Location")?.trimmedOfBlanks else {
      return isAnnounced ? fail(DialogueProblem(.missing("Location"), answer)) : fallBackToPlain()
    }
    guard let place = intent.target.resolving(text), place.isSameOrigin(intent.target) else {
      return fail(DialogueProblem(.foreignPlace(text), answer))
    }
    self.place = place
    isAnnounced = true
    wasDeferred = intent.total == nil
    if case .resumable = dialect { takeVersion(of: answer) }
    limits.read(answer.fields)
    if let problem = sizeProblem(answer) { return fail(problem) }
    offset = 0
    // An upload of tus is complete when it has all bytes, and this one has.
    if dialect == .tus, intent.total == 0 { return done(answer) }
    phase = .appending
    return .next
  }

  /// The version whose rules the server goes by, where it says another one or shows it.
  private mutating func takeVersion(of answer: ServerAnswer) {
    if let version = answer.version {
      dialect = .resumable(version)
    } else if answer.fields.has("Upload-Incomplete") {
      dialect = .resumable(3)
    }
  }

  private mutating func notCreated(_ answer: ServerAnswer) -> Step {
    let mayNotUnderstand = [400, 404, 405, 406, 411, 412, 415, 422, 426, 428, 501].contains(answer.status)
    guard mayNotUnderstand, !isAnnounced else { return refused(answer) }
    if answer.speaksTus || answer.status == 412 && answer.fields.joined("Tus-Version")?.contains("1.0.0") == true {
      dialect = .tus
      untried = []
      isAnnounced = true
      return .next
    }
    if let version = answer.version, dialect != .resumable(version), !hasFollowedVersion {
      hasFollowedVersion = true
      untried.removeAll { $0 == .resumable(version) }
      dialect = .resumable(version)
      return .next
    }
    guard !untried.isEmpty else { return fallBackToPlain() }
    dialect = untried.removeFirst()
    return .next
  }

  private mutating func fallBackToPlain() -> Step {
    dialect = .plain
    untried = []
    phase = .plain(method: "PUT")
    return .next
  }

  // MARK: Where it stands

  private mutating func located(_ answer: ServerAnswer) -> Step {
    if [404, 410].contains(answer.status) { return unknown(answer) }
    guard answer.isSuccess else { return refused(answer) }
    guard let told = answer.offset else { return fail(DialogueProblem(.missing("Upload-Offset"), answer)) }
    limits.read(answer.fields)
    if let length = answer.length, let total = intent.total, length != total {
      return fail(DialogueProblem(.otherLength(length), answer))
    }
    isUnconfirmed = false
    wasDeferred = answer.length == nil
    let isComplete = dialect == .tus ? told == intent.total && !wasDeferred : answer.isComplete == true
    if isComplete { return told < intent.total ?? told ? tooEarly(told, answer) : done(answer) }
    return goOn(at: told, answer)
  }

  private mutating func tooEarly(_ offset: Int64, _ answer: ServerAnswer) -> Step {
    fail(DialogueProblem(.completeTooEarly(offset), answer))
  }

  private mutating func unknown(_ answer: ServerAnswer) -> Step {
    guard isUnconfirmed else { return fail(DialogueProblem(.unknownUpload, answer)) }
    beginAnew()
    return .restart
  }

  /// Goes on where the server says.
  ///
  /// The draft forbids an offset that decreases, so one below what was acknowledged is a fault. tus does not forbid it: a
  /// server of tus may lose in a crash what was not flushed yet.
  private mutating func goOn(at told: Int64, _ answer: ServerAnswer) -> Step {
    if let total = intent.total, told > total {
      return fail(DialogueProblem(.offsetBeyond(told, total: total), answer))
    }
    if told < offset, dialect != .tus {
      return fail(DialogueProblem(.offsetWentBack(to: told, from: offset), answer))
    }
    offset = told
    phase = .appending
    return .next
  }

  // MARK: More bytes

  private mutating func appended(
    _ answer: ServerAnswer, _ request: DialogueRequest, _ sent: SentContent
  ) -> Step {
    guard answer.isSuccess else { return notAppended(answer, request) }
    lastRefusedOffset = nil
    limits.read(answer.fields)
    let end = request.start + sent.count
    let wasLast = request.length.map { request.start + $0 == intent.total } ?? false
    // Nobody knew where the source ends, until now.
    if intent.total == nil, sent.sourceEnded { intent.total = end }
    let told = answer.offset ?? end
    if dialect == .tus {
      guard answer.offset != nil else { return fail(DialogueProblem(.missing("Upload-Offset"), answer)) }
      if told == intent.total, wasLast { return done(answer) }
      return goOn(at: told, answer)
    }
    guard wasLast, answer.isComplete != false else { return goOn(at: told, answer) }
    if sent.count < request.length ?? 0 {
      // It did not wait for the end of what it calls complete.
      return tooEarly(end, answer)
    }
    return done(answer)
  }

  private mutating func notAppended(_ answer: ServerAnswer, _ request: DialogueRequest) -> Step {
    if [404, 410].contains(answer.status), !answer.isProblem("completed-upload") { return unknown(answer) }
    if answer.isProblem("digest-mismatching-values") { return fail(DialogueProblem(.digestMismatch, answer)) }
    // The answer of the upload's target, which has all of it: what it refuses is refused for good.
    if answer.isComplete == true { return fail(DialogueProblem(.refused, answer)) }
    if answer.isProblem("completed-upload") {
      phase = .locating
      return .next
    }
    if answer.status == 409 {
      guard let told = answer.offset else {
        phase = .locating
        return again(request, answer)
      }
      guard told != request.start else { return refused(answer) }
      let step = goOn(at: told, answer)
      guard case .next = step else { return step }
      return again(request, answer)
    }
    return refused(answer)
  }

  /// Goes on at once after a wrong offset, and with a delay where that does not help.
  private mutating func again(_ request: DialogueRequest, _ answer: ServerAnswer) -> Step {
    defer { lastRefusedOffset = request.start }
    guard lastRefusedOffset == request.start else { return .next }
    return .wait(DialogueProblem(.refused, answer))
  }

  // MARK: All at once

  private mutating func put(_ answer: ServerAnswer, _ method: String, _ sent: SentContent) -> Step {
    if answer.isSuccess {
      if let total = intent.total, sent.count < total {
        return fail(DialogueProblem(.completeTooEarly(sent.count), answer))
      }
      offset = intent.total ?? sent.count
      return done(answer)
    }
    if method == "PUT", [405, 501].contains(answer.status), intent.total != nil || sent.count == 0 {
      phase = .plain(method: "POST")
      return .next
    }
    return refused(answer)
  }

  // MARK: Refusals and redirects

  private mutating func refused(_ answer: ServerAnswer) -> Step {
    if answer.isProblem("digest-mismatching-values") { return fail(DialogueProblem(.digestMismatch, answer)) }
    let problem = DialogueProblem(.refused, answer)
    guard problem.isWorthAnotherTry else { return fail(problem) }
    if phase == .appending { phase = .locating }
    return .wait(problem)
  }

  private mutating func fail(_ problem: DialogueProblem) -> Step {
    phase = .over
    return .fail(problem)
  }

  private mutating func done(_ answer: ServerAnswer) -> Step {
    if let total = intent.total { offset = total }
    phase = .over
    if let digest = intent.digest, let told = answer.digest, digest != told {
      return .fail(DialogueProblem(.digestMismatch, answer))
    }
    return .done(answer)
  }

  /// Within its origin a redirect that keeps the method is followed; a request never goes to another one, as credentials
  /// would go with it.
  private mutating func redirected(_ answer: ServerAnswer, from url: HTTPSURL) -> Step {
    let text = answer.fields.first("Location")?.trimmedOfBlanks ?? ""
    guard [307, 308].contains(answer.status), redirects < Self.mostRedirects, let next = url.resolving(text),
      next.isSameOrigin(url)
    else {
      // What answers OPTIONS by a redirect may take a POST.
      if phase == .asking { return described(ServerAnswer(status: 404)) }
      return fail(DialogueProblem(.redirect(text), answer))
    }
    redirects += 1
    switch phase {
    case .locating, .appending:
      place = next
      phase = .locating
    case .asking, .creating, .plain, .over: intent.target = next
    }
    return .next
  }
}

import ArgumentParser
import FoundationEssentials
import NIOCore
import XStream
import XStreamClient

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// One file of `sluice send`, from the key that an earlier run kept to the line that says how it went.
struct FileUpload {
  /// A file that changes all the time is not sent for ever.
  private static let mostTries = 3
  /// The digest of a file of this size is ready before anybody notices, in bytes.
  private static let smallEnoughToDigest: Int64 = 64 << 20

  let command: Send
  let file: FileArgument
  let url: UploadURL
  let client: UploadClient

  /// - Returns: the exit status.
  func run() async -> ExitCode {
    var display = SendDisplay(name: file.isStandardInput ? "standard input" : file.name, style: style)
    for tries in 1... {
      let source: Source
      do {
        source = try self.source()
      } catch {
        display.clear()
        report(error, display)
        return ExitStatus.of(error)
      }
      let keeping = await Keeping(source.identity, of: self, &display)
      guard !keeping.isInUse else {
        var error = UploadError.source("Another run of the command sends it to this URL just now.")
        error.isWorthAnotherTry = true
        report(error, display)
        return ExitStatus.of(error)
      }
      do {
        let outcome = try await send(source.content, keeping, &display)
        if let keeper = keeping.keeper { keeper.forget(outcome.key) }
        display.clear()
        return succeeded(outcome, display)
      } catch {
        display.clear()
        guard let error = error as? UploadError else {
          Console.error("\(file.text): \(error)")
          return ExitStatus.refused
        }
        let ending = FailedUpload(error, isFile: source.identity != nil, isResumed: keeping.record != nil)
        if ending.isWorthBeginningAnew, tries < Self.mostTries, !Task.isCancelled {
          display.say("\(file.text): \(error)")
          await drop(error.key, error.place?.dialect, ending, keeping, &display)
          display.say("\(file.text): beginning anew")
          continue
        }
        return await failed(error, ending, keeping, &display)
      }
    }
    return ExitStatus.refused
  }

  // MARK: Sending

  private struct Source {
    let content: UploadSource
    /// Nil for what is read once.
    let identity: FileIdentity?
  }

  private func source() throws(UploadError) -> Source {
    guard file.isStandardInput else {
      let opened = try FileToSend(file.path)
      return Source(content: .file(opened), identity: opened.identity)
    }
    // ``StandardStreams/prepare()`` has put something that cannot be read in the place of a closed standard input.
    let flags = fcntl(STDIN_FILENO, F_GETFL)
    guard flags >= 0, flags & O_ACCMODE != O_WRONLY else {
      throw .source("Standard input is closed, or not for reading.")
    }
    return Source(content: .standardInput(), identity: nil)
  }

  private func send(
    _ source: UploadSource, _ keeping: Keeping, _ display: inout SendDisplay
  ) async throws -> UploadOutcome {
    let options = options(keeping)
    let keeper = keeping.keeper
    let (events, feed) = AsyncStream.makeStream(of: TransferEvent.self)
    let upload = Task {
      defer { feed.finish() }
      return try await client.upload(source, to: url, options: options) { event in
        // Before the first byte is sent.
        if case .offered(let offer) = event { keeper?.offered(offer.key, dialect: offer.dialect) }
        feed.yield(event)
      }
    }
    var hasComplained = false
    await withTaskCancellationHandler {
      for await event in events {
        display.show(event)
        if !hasComplained, let problem = keeper?.problem {
          display.say("sluice: the upload cannot be kept, a later run would begin anew: \(problem)")
          hasComplained = true
        }
      }
    } onCancel: {
      upload.cancel()
    }
    return try await upload.value
  }

  private func options(_ keeping: Keeping) -> UploadOptions {
    let isSmall = keeping.identity.map { $0.size <= Self.smallEnoughToDigest } ?? false
    var options = UploadOptions(
      format: StreamFormat(command.format) ?? .bytes, buffer: command.buffer.value,
      acknowledgeEvery: command.ack?.value,
      name: command.name.flatMap { StreamName(label: $0) }
        ?? (file.isStandardInput ? nil : StreamName(label: file.name)),
      computesDigest: keeping.identity != nil && (command.digest ?? isSmall),
      retry: RetryPolicy(patience: command.retryFor.value))
    let handle = keeping.record.flatMap { UploadHandle($0.key) }
    options.resume = handle?.stream.map { ResumePoint(key: $0) }
    if let place = handle?.url, let dialect = keeping.record?.dialect {
      options.place = HTTPPlace(url: place, dialect: dialect)
    }
    options.proof = keeping.proof
    options.speaksXStream = !command.httpOnly
    if let keeper = keeping.keeper { options.onProof = { keeper.sending($0) } }
    return options
  }

  private var style: SendDisplay.Style {
    command.quiet ? .none : Console.isTerminal ? .bar : .lines
  }

  // MARK: Ending

  private func succeeded(_ outcome: UploadOutcome, _ display: SendDisplay) -> ExitCode {
    let seconds = display.elapsed.seconds
    if command.json {
      Console.output(SendReport(file: file.text, url: url, outcome: outcome, seconds: seconds).line)
    } else if !command.quiet {
      let moved = outcome.bytes - outcome.resumedFrom
      var line = "\(file.text): complete, \(ByteCount.text(outcome.bytes))"
      if outcome.resumedFrom > 0 { line += ", of which \(ByteCount.text(moved)) in this run" }
      line += " in \(TimeSpan.sentence(display.elapsed))"
      if moved > 0, seconds > 0 { line += " (\(ByteCount.text(Int64(Double(moved) / seconds)))/s)" }
      Console.output(line + (outcome.key.url == nil ? ", as \(outcome.key) at \(url)" : ", as \(outcome.key)"))
      if let reply = outcome.reply, reply.readableBytes > 0 {
        let text = String(validating: reply.readableBytesView, as: UTF8.self)
        Console.output(text.map { "answer: \($0)" } ?? "answer: \(ByteCount.text(Int64(reply.readableBytes)))")
      }
    }
    guard let size = outcome.grownTo else { return .success }
    Console.error(
      "\(file.text): has grown to \(size) bytes since it was opened; the server has the first \(outcome.bytes). "
        + "Send it again for the rest.")
    return ExitStatus.grown
  }

  private func failed(
    _ error: UploadError, _ ending: FailedUpload, _ keeping: Keeping, _ display: inout SendDisplay
  ) async -> ExitCode {
    var error = error
    let key = error.key
    let dialect = error.place?.dialect
    // A command that is stopped just as the offer comes does not hear of it any more.
    if let key, !ending.isOver { keeping.keeper?.offered(key, dialect: dialect) }
    let isKept = !ending.isOver && key.map { keeping.keeper?.keeps($0) ?? false } ?? false
    if file.isStandardInput, error.code != .cancelled {
      error.isWorthAnotherTry = error.isWorthAnotherTry && display.safe == 0
    }
    if !isKept { error.forgetUpload() }
    report(error, display)
    if !isKept { await drop(key, dialect, ending, keeping, &display) }
    if let hint = hint(error, isKept: isKept, isLost: key != nil && !isKept, safe: display.safe) {
      Console.error(hint)
    }
    return ExitStatus.of(error)
  }

  private func report(_ error: UploadError, _ display: SendDisplay) {
    let text = command.connection.description(of: error)
    if command.json {
      Console.output(
        SendReport(file: file.text, url: url, error: error, message: text, seconds: display.elapsed.seconds).line)
    }
    Console.error(text.hasPrefix(file.text + " ") ? text : "\(file.text): \(text)")
  }

  private func drop(
    _ key: UploadHandle?, _ dialect: String?, _ ending: FailedUpload, _ keeping: Keeping, _ display: inout SendDisplay
  ) async {
    guard let key else { return }
    if ending.isHeld { await giveUp(key, dialect, &display) }
    if ending.isForgotten { keeping.keeper?.forget(key) }
  }

  /// Whoever forgets a key gives the upload up, or says why it can't.
  func giveUp(_ key: UploadHandle, _ dialect: String?, _ display: inout SendDisplay) async {
    guard let problem = await client.giveUpSoon(key, dialect: dialect, at: url) else { return }
    display.clear()
    Console.error(
      "\(file.text): what the server has of it could not be given up, and holds room and quota until it expires: "
        + "\(problem) To drop it later: sluice give-up \(key)\(key.url == nil ? " \(url)" : "")")
  }

  private func hint(_ error: UploadError, isKept: Bool, isLost: Bool, safe: Int64) -> String? {
    guard error.isWorthAnotherTry else {
      return isKept ? "The unfinished upload is kept. To drop it: sluice give-up \(file.text) \(url)" : nil
    }
    var when = "."
    if let wish = error.retryAfter { when = ", in \(TimeSpan.sentence(min(wish, .seconds(1 << 31)))) or later." }
    guard isKept, error.key != nil else {
      return isLost || file.isStandardInput
        ? "Run the command again to send it all from the beginning\(when)" : "Run the same command again\(when)"
    }
    // What a service behind the server took before it broke off is lost.
    let sure = error.status == .backend ? 0 : max(error.safe ?? 0, safe)
    let amount = sure > 0 ? "\(ByteCount.text(sure)) or more are safe. " : ""
    return "\(amount)Run the same command again to go on\(when)"
  }
}

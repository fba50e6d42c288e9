import ArgumentParser
import FoundationEssentials
import NIOCore
import XStream
import XStreamClient

/// One file of `sluice send`, from the key that an earlier run kept to the line that says how it went.
struct FileUpload {
  let command: Send
  /// As on the command line.
  let file: String
  let url: XStreamURL
  let client: UploadClient

  private var isStandardInput: Bool { file == "-" }

  /// - Returns: the exit status.
  func run() async -> ExitCode {
    var display = SendDisplay(name: isStandardInput ? "standard input" : baseName, style: style)
    let keeper = keeper()
    var options = options()
    if let keeper { options.resume = keeper.key().map { ResumePoint(key: $0) } }
    let chosen = options
    let (events, feed) = AsyncStream.makeStream(of: UploadEvent.self)
    let upload = Task {
      defer { feed.finish() }
      return try await client.upload(
        isStandardInput ? .standardInput() : .file(file), to: url, options: chosen, onEvent: { feed.yield($0) })
    }
    await withTaskCancellationHandler {
      for await event in events {
        if case .offered(let offer) = event, let problem = keeper?.keep(offer.key) {
          display.say("sluice: the key cannot be kept, a later run would begin anew: \(problem)")
        }
        display.show(event)
      }
    } onCancel: {
      upload.cancel()
    }
    do {
      let outcome = try await upload.value
      keeper?.remove(outcome.key)
      display.clear()
      succeeded(outcome, display)
      return .success
    } catch {
      display.clear()
      return await failed(error, keeper, display)
    }
  }

  // MARK: Ending

  private func succeeded(_ outcome: UploadOutcome, _ display: SendDisplay) {
    let seconds = display.elapsed.seconds
    guard !command.json else {
      Console.output(SendReport(file: file, url: url, outcome: outcome, seconds: seconds).line)
      return
    }
    guard !command.quiet else { return }
    let moved = outcome.bytes - outcome.resumedFrom
    var line = "\(file): complete, \(ByteCount.text(outcome.bytes))"
    if outcome.resumedFrom > 0 { line += ", of which \(ByteCount.text(moved)) in this run" }
    line += " in \(TimeSpan.sentence(display.elapsed))"
    if moved > 0, seconds > 0 { line += " (\(ByteCount.text(Int64(Double(moved) / seconds)))/s)" }
    Console.output(line)
    if let reply = outcome.reply, reply.readableBytes > 0 {
      let text = String(validating: reply.readableBytesView, as: UTF8.self)
      Console.output(text.map { "answer: \($0)" } ?? "answer: \(ByteCount.text(Int64(reply.readableBytes)))")
    }
  }

  private func failed(_ error: any Error, _ keeper: KeyKeeper?, _ display: SendDisplay) async -> ExitCode {
    guard var error = error as? UploadError else {
      Console.error("\(file): \(error)")
      return ExitStatus.refused
    }
    // What came from standard input is gone, so nobody can go on with it.
    let isLost = isStandardInput || error.code == .source && error.resumePoint != nil || error.status == .digest
    if isLost, let key = error.resumePoint?.key {
      if error.status != .digest { await giveUp(key) }
      keeper?.remove(key)
    }
    // A command that is stopped just as the offer comes does not hear of it any more.
    if !isLost, error.isWorthAnotherTry, let key = error.resumePoint?.key, let problem = keeper?.keep(key) {
      Console.error("sluice: the key cannot be kept, a later run would begin anew: \(problem)")
    }
    if isStandardInput, error.code != .cancelled {
      error.isWorthAnotherTry = error.isWorthAnotherTry && display.safe == 0
    }
    if command.json {
      Console.output(
        SendReport(file: file, url: url, error: error, seconds: display.elapsed.seconds).line)
    }
    let text = error.description
    Console.error(text.hasPrefix(file + " ") ? text : "\(file): \(text)")
    if let hint = hint(error, isKept: keeper != nil && !isLost, safe: display.safe) { Console.error(hint) }
    return ExitStatus.of(error)
  }

  private func hint(_ error: UploadError, isKept: Bool, safe: Int64) -> String? {
    guard error.isWorthAnotherTry else { return nil }
    var when = "."
    if let seconds = error.retryAfter { when = ", in \(TimeSpan.sentence(.seconds(min(seconds, 1 << 31)))) or later." }
    guard isKept, let point = error.resumePoint else {
      return isStandardInput
        ? "Run the command again to send it all from the beginning\(when)"
        : "Run the same command again\(when)"
    }
    let sure = max(point.safe, safe)
    let amount = sure > 0 ? "\(ByteCount.text(sure)) or more are safe. " : ""
    return "\(amount)Run the same command again to go on\(when)"
  }

  /// Gives the server's space back, if that is quick; the server forgets the stream by itself otherwise.
  private func giveUp(_ key: StreamKey) async {
    let (client, url) = (client, url)
    // The task of its own is not cancelled yet.
    let attempt = Task.detached { try await client.giveUp(key, at: url) }
    let limit = Task.detached {
      try await Task.sleep(for: .seconds(2))
      attempt.cancel()
    }
    _ = await attempt.result
    limit.cancel()
  }

  // MARK: Beginning

  private var baseName: String { file.split(separator: "/").last.map { String($0) } ?? file }

  private var style: SendDisplay.Style {
    command.quiet ? .none : Console.isTerminal ? .bar : .lines
  }

  private func options() -> UploadOptions {
    UploadOptions(
      format: DataFormat(command.format) ?? .bytes, buffer: command.buffer.value,
      acknowledgeEvery: command.ack?.value,
      name: command.name.flatMap { StreamName(label: $0) } ?? (isStandardInput ? nil : StreamName(label: baseName)),
      computesDigest: command.digest, retry: RetryPolicy(patience: command.retryFor.value))
  }

  private func keeper() -> KeyKeeper? {
    guard !isStandardInput, !command.noResume, let identity = try? FileIdentity(of: file),
      let folder = StateFolder(environment: ProcessInfo.processInfo.environment)
    else { return nil }
    return KeyKeeper(folder: folder, file: identity, url: url)
  }
}

/// The kept key of one file and URL.
struct KeyKeeper {
  let folder: StateFolder
  let file: FileIdentity
  let url: XStreamURL

  func key() -> StreamKey? { folder.key(for: file, url: url) }

  /// - Returns: what went wrong.
  func keep(_ key: StreamKey) -> String? {
    guard self.key() != key else { return nil }
    do throws(StateFolderError) {
      try folder.keep(StateFolder.Record(file: file, url: url, key: key))
      return nil
    } catch {
      return error.description
    }
  }

  func remove(_ key: StreamKey) {
    folder.remove(key, ofFileAt: file.path, url: url)
  }
}

package import NIOCore

/// Sets the timer that a ``ClientWatch`` asks for. Takes its time from the event loop.
package final class ConnectionWatch {
  private let eventLoop: any EventLoop
  private let currentPhase: () -> ClientWatch.Phase
  private let onVerdict: (ClientWatch.Verdict) -> Void
  private var watch: ClientWatch
  private var timer: (task: Scheduled<Void>, due: NIODeadline)?

  /// - Parameters:
  ///   - currentPhase: what the connection waits for now.
  ///   - onVerdict: hears that the client took too long; never ``ClientWatch/Verdict/never`` or
  ///     ``ClientWatch/Verdict/lookAgain(_:)``.
  package init(
    _ timeouts: FrontTimeouts, on eventLoop: any EventLoop, currentPhase: @escaping () -> ClientWatch.Phase,
    onVerdict: @escaping (ClientWatch.Verdict) -> Void
  ) {
    self.eventLoop = eventLoop
    self.currentPhase = currentPhase
    self.onVerdict = onVerdict
    self.watch = ClientWatch(timeouts: timeouts, now: eventLoop.now)
  }

  /// Whether the last packet was sent, and only the client's end is waited for.
  package var isDraining: Bool { watch.phase == .draining }

  /// Another body is asked for: what the one before took counts no more.
  package func beginBody() { watch.beginBody(now: eventLoop.now) }

  /// Bytes of a body have arrived.
  package func received(_ count: Int) { watch.received(count, now: eventLoop.now) }

  package func writability(isWritable: Bool) { watch.writability(isWritable: isWritable, now: eventLoop.now) }

  /// The last packet was sent.
  package func drain() {
    watch.enter(.draining, now: eventLoop.now)
    look()
  }

  /// Notes what the connection waits for now, and sees to it that the timer rings no later than that needs.
  package func look() {
    let now = eventLoop.now
    if !isDraining { watch.enter(currentPhase(), now: now) }
    let due: NIODeadline
    switch watch.verdict(now: now) {
    case .never: return
    case .lookAgain(let later): due = later
    case .close, .headTooSlow, .silent, .tooSlow, .tookTooLong: due = now
    }
    // A timer that rings too early looks and is set anew, which is cheaper than one for each read.
    if let timer, timer.due <= due { return }
    stop()
    setTimer(at: due)
  }

  /// Ends the watch.
  package func stop() {
    timer?.task.cancel()
    timer = nil
  }

  private func setTimer(at due: NIODeadline) {
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: due) {
      self.timer = nil
      self.ring()
    }
    timer = (task, due)
  }

  private func ring() {
    let verdict = watch.verdict(now: eventLoop.now)
    switch verdict {
    case .never: return
    case .lookAgain(let due): setTimer(at: due)
    case .close, .headTooSlow, .silent, .tooSlow, .tookTooLong: onVerdict(verdict)
    }
  }
}

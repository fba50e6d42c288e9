import NIOCore
import XStream

// What a fault does to an upload over HTTP on its way, and what is expected of the server then.
extension HTTPCourse {
  /// How the bytes go for the fault that is ahead.
  var pace: (hold: Int64?, oneByOne: Int64) {
    guard faultIsAhead, let fault = plan.fault else { return (nil, 0) }
    switch fault.kind {
    case .cut, .vanish, .stall, .halfClose, .truncate, .takeOver: return (plan.faultPlace, 0)
    case .drip: return (nil, min(Int64(fault.bytes), plan.size))
    case .wrongDigest, .malformed: return (nil, 0)
    }
  }

  /// Everything before the fault's place was handed on.
  func held(_ connection: HTTPConnection) {
    guard !isOver, let fault = plan.fault else { return }
    faultIsAhead = false
    switch fault.kind {
    case .cut:
      breakOff(connection)
      goOnAfterFault(fresh: true)
    case .vanish:
      breakOff(connection)
      endAsExpected(.vanish, dropped: machine.key)
    case .stall:
      worker.schedule(in: TimeAmount(fault.time)) { [weak connection] in connection?.release() }
    case .halfClose:
      // The server takes it for a lost connection, or refuses what has no end, and ends its own side.
      halfClosed = connection
      connection.endOutput()
    case .truncate:
      breakOff(connection)
      machine.remove()
      goOnAfterFault(fresh: true)
    case .takeOver:
      rival = connection
      self.connection = nil
      machine.broken()
      goOnAfterFault(fresh: true)
    case .drip, .wrongDigest, .malformed:
      connection.release()
    }
  }

  private func breakOff(_ connection: HTTPConnection) {
    connection.drop()
    self.connection = nil
    machine.broken()
  }

  /// The server has refused what a half-closed connection cut short: the upload goes on over another one.
  func refusedHalf(_ connection: HTTPConnection) {
    halfClosed = nil
    connection.drop()
    machine.broken()
    goOnAfterFault(fresh: true)
  }

  // MARK: Take-over

  /// The older connection is over.
  func rivalEnded(_ connection: HTTPConnection) {
    // One that the server heard of after the newer one's question was not taken over by it, and may have brought all.
    rival = nil
    connection.leave()
    if isTakenOver { complete() }
  }

  /// The newer one is complete, and the older one was never ended.
  func rivalStays() {
    guard !isOver, rival != nil else { return }
    fail(.fault(.takeOver, "the older connection was not ended"))
  }

  // MARK: Malformed

  func sendMalformed() {
    var plan = plan
    let isHTTP2 = plan.kind.http == .two
    let bytes =
      isHTTP2
      ? MalformedRequests.frames(using: &plan.random)
      : MalformedRequests.request(worker.targets[plan.target].url.route, using: &plan.random)
    let raw = RawConnection(bytes, recorder) { [weak self] ending in
      guard let self, !self.isOver else { return }
      switch ending {
      case .failed(let setback): self.tryAgain(after: setback, resumes: false, in: nil)
      case .open: self.fail(.fault(.malformed, "the connection was not closed"))
      case .closed(let said) where isHTTP2 || said.hasPrefix("HTTP/1.1 4") || said.hasPrefix("HTTP/1.1 5"):
        self.endAsExpected(.malformed, dropped: nil)
      case .closed(let said):
        self.fail(.fault(.malformed, "\(said.prefix { $0 != "\r" })"))
      }
    }
    worker.supply.connect(place, raw)
  }
}

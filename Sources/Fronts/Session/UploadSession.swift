package import GatewayCore
package import Logging
package import NIOCore

/// What a front hears of its upload. Every front answers these in its own words.
package enum SessionEvent {
  /// The upload is this connection's, and bytes may come.
  case offered(UploadOffer)
  /// It is not taken. The last event.
  case refused(Refusal)
  /// It is complete since earlier. The last event.
  case alreadyComplete(UploadAccount)
  /// The bytes before the offset survive a power cut and are recorded. Comes again when the client reads again.
  case safe(upTo: Int64)
  /// Everything is safe, in its place and recorded. The last event.
  case complete(size: Int64, SinkResult)
  /// What arrived is safe up to the offset, and the upload can be resumed. The last event.
  case stopped(StopReason, at: Int64)
  /// It failed after its offer; `safe` is what is safe of it. The last event.
  case failed(UploadFailure, safe: Int64)
  /// Something that held bytes back is over: read on, and take what waits.
  case goOn
}

/// What every front needs between its wire and an upload: it asks the core, holds reading back, stops an upload for the
/// gateway's own reasons, and keeps late words of earlier uploads away. Lives on the connection's event loop.
package final class UploadSession {
  /// How long a stream of unknown length may take to end after the last byte that was offered.
  private static let graceForEndOfGrant = TimeAmount.milliseconds(500)

  /// Where uploads are begun.
  package let gateway: Gateway
  private let eventLoop: any EventLoop
  private let logger: Logger
  private let refusals: RefusalLog
  private let about: () -> Logger.Metadata
  private let onEvent: (SessionEvent) -> Void
  private var machine = SessionMachine()
  private var upload: Upload?
  /// Tells a late word of an earlier upload from one of the current.
  private var number = 0
  private var graceForEnd: Scheduled<Void>?

  /// - Parameters:
  ///   - about: metadata for each record that the session writes to `logger`, asked for when it does.
  ///   - onEvent: called on `eventLoop`; may call the session in turn.
  package init(
    gateway: Gateway, on eventLoop: any EventLoop, logger: Logger, about: @escaping () -> Logger.Metadata = { [:] },
    onEvent: @escaping (SessionEvent) -> Void
  ) {
    self.gateway = gateway
    self.eventLoop = eventLoop
    self.logger = logger
    self.refusals = RefusalLog(gateway: gateway, logger: logger)
    self.about = about
    self.onEvent = onEvent
  }

  // MARK: How it stands

  /// Whether reading is held back because the upload's window is full.
  package var isPaused: Bool { machine.isPaused }
  /// Whether an upload is under way, offered or not.
  package var hasUpload: Bool { machine.hasUpload }
  /// Whether the client was made an offer that its upload has not ended yet.
  package var hasOffer: Bool { machine.hasOffer }
  /// Whether the front may take what has arrived.
  package var takesBytes: Bool { machine.takesBytes }
  /// Whether the front may act on the client's end.
  package var takesEnd: Bool { machine.takesEnd }
  /// Whether nothing but the client keeps bytes from coming.
  package var awaitsBytes: Bool { machine.awaitsBytes }
  /// Where the current offer ends, in bytes from the stream's start.
  package var grantedEnd: Int64 { machine.grantedEnd }

  // MARK: Asking the core

  /// Begins a new upload.
  ///
  /// - Parameter about: metadata for each record of the upload in the log.
  /// - Throws: ``/GatewayCore/Refusal`` where the route's rules alone forbid it.
  package func open(_ request: UploadRequest, about: @escaping () -> Logger.Metadata) throws(Refusal) {
    let number = begin()
    do throws(Refusal) {
      upload = try gateway.open(request, on: eventLoop, logger: logger, about: about) { self.said($0, number) }
    } catch {
      refusals.note(error, request.access, about)
      throw error
    }
  }

  /// Goes on with an earlier upload.
  ///
  /// - Parameter about: metadata for each record of the upload in the log.
  /// - Throws: ``/GatewayCore/Refusal`` where the route's rules alone forbid it.
  package func resume(_ request: UploadResumption, about: @escaping () -> Logger.Metadata) throws(Refusal) {
    let number = begin()
    do throws(Refusal) {
      upload = try gateway.resume(request, on: eventLoop, logger: logger, about: about) { self.said($0, number) }
    } catch {
      refusals.note(error, request.access, about)
      throw error
    }
  }

  /// How an upload stands once no connection has it. The answer comes only while nothing else was asked meanwhile.
  package func settledStatus(
    of key: UploadKey, _ access: AccessRequest, _ answer: @escaping (Result<UploadAccount, Refusal>) -> Void
  ) {
    deliver(gateway.settledStatus(of: key, access, on: eventLoop), access, answer)
  }

  /// How an upload stands. The answer comes only while nothing else was asked meanwhile.
  package func status(
    of key: UploadKey, _ access: AccessRequest, _ answer: @escaping (Result<UploadAccount, Refusal>) -> Void
  ) {
    deliver(gateway.status(of: key, access, on: eventLoop), access, answer)
  }

  /// Drops an unfinished upload. The answer comes only while nothing else was asked meanwhile.
  package func cancel(
    _ key: UploadKey, _ access: AccessRequest, _ answer: @escaping (Result<Void, Refusal>) -> Void
  ) {
    deliver(gateway.cancel(key, access, on: eventLoop), access, said: ("Upload given up", key), answer)
  }

  /// Removes a complete upload. The answer comes only while nothing else was asked meanwhile.
  package func remove(
    _ key: UploadKey, _ access: AccessRequest, _ answer: @escaping (Result<Void, Refusal>) -> Void
  ) {
    deliver(gateway.remove(key, access, on: eventLoop), access, said: ("Complete upload removed", key), answer)
  }

  private func begin() -> Int {
    number += 1
    machine.begin()
    return number
  }

  /// - Parameter done: what the log says of a success, and of which upload.
  private func deliver<Value>(
    _ future: EventLoopFuture<Value>, _ access: AccessRequest, said done: (Logger.Message, UploadKey)? = nil,
    _ answer: @escaping (Result<Value, Refusal>) -> Void
  ) {
    number += 1
    let number = number
    future.assumeIsolated().whenComplete { result in
      let result = result.mapError { $0 as? Refusal ?? .storage("\($0)") }
      switch result {
      case .failure(let refusal): self.refusals.note(refusal, access, self.about)
      case .success: if let (message, key) = done { self.refusals.say(message, of: key, access, self.about) }
      }
      guard number == self.number else { return }
      answer(result)
    }
  }

  // MARK: What the front says

  /// Takes the next bytes, which are within what was offered.
  package func write(_ bytes: ByteBuffer) { upload?.write(bytes) }

  /// All bytes of a tentative connection were judged to be right.
  package func approve() { upload?.approve() }

  /// All bytes of the upload were written.
  package func finish() {
    machine.finish()
    upload?.finish()
  }

  /// The client is gone, or can send no more.
  package func leave() { carryOut(machine.leave()) }

  /// All that was offered was written, and it is not the whole.
  package func grantFilled(isOfUnknownLength: Bool) {
    switch machine.grantFilled(isOfUnknownLength: isOfUnknownLength) {
    case .nothing: return
    case .leave: leaveUpload()
    // The client's end may be behind its last byte: then the stream is whole, and was only just not too long.
    case .awaitEnd:
      graceForEnd = eventLoop.assumeIsolated().scheduleTask(in: Self.graceForEndOfGrant) { self.endDidNotCome() }
    }
  }

  /// More bytes came than were offered, or the end did not come in time.
  package func endDidNotCome() {
    graceForEnd?.cancel()
    graceForEnd = nil
    carryOut(machine.endDidNotCome())
  }

  /// The client's end came in order. Only while ``takesEnd``.
  package func endCame() {
    graceForEnd?.cancel()
    graceForEnd = nil
    machine.endCame()
  }

  /// The client lets itself be waited for longer than it may.
  package func isSlow(_ slowness: StopReason) { carryOut(machine.isSlow(slowness)) }

  /// The client reads again: it hears what became safe meanwhile.
  package func clientReads() {
    if let offset = machine.safeOffset { onEvent(.safe(upTo: offset)) }
  }

  /// The gateway goes away.
  ///
  /// - Returns: whether the front ends the connection as its protocol does; else ``SessionEvent/stopped(_:at:)`` follows.
  package func gatewayStops() -> Bool {
    switch machine.gatewayStops() {
    case .frontDecides: return true
    case .nothing: return false
    case .leave:
      leaveUpload()
      return false
    }
  }

  /// The client has its answer: the next request may come.
  package func ended() {
    // Late answers and events are nobody's any more.
    number += 1
    machine.ended()
  }

  /// The connection is gone: what arrived is made safe, and nobody hears of it.
  package func connectionIsGone() {
    graceForEnd?.cancel()
    graceForEnd = nil
    number += 1
    upload?.leaveSilently(for: machine.leaveReason)
    upload = nil
  }

  private func carryOut(_ decision: SessionMachine.OnLeave) {
    if decision == .leave { leaveUpload() }
  }

  private func leaveUpload() { upload?.leave(for: machine.leaveReason) }

  // MARK: What the core says

  private func said(_ event: UploadEvent, _ number: Int) {
    guard number == self.number else { return }
    switch event {
    case .offered(let offer):
      machine.offered(from: offer.offset, to: offer.granted)
      onEvent(.offered(offer))
    case .paused: machine.paused()
    case .resumed:
      machine.resumed()
      onEvent(.goOn)
    case .safe(let offset):
      machine.safe(upTo: offset)
      onEvent(.safe(upTo: offset))
      onEvent(.goOn)
    case .superseded:
      machine.superseded()
      graceForEnd?.cancel()
      graceForEnd = nil
    case .unauthorized:
      machine.rightEnded()
      graceForEnd?.cancel()
      graceForEnd = nil
    case .refused(let refusal): conclude(.refused(refusal))
    case .alreadyComplete(let account): conclude(.alreadyComplete(account))
    case .complete(let size, let result): conclude(.complete(size: size, result))
    case .failed(let failure, let safe): conclude(.failed(failure, safe: safe))
    case .suspended(let offset):
      upload = nil
      graceForEnd?.cancel()
      graceForEnd = nil
      guard let reason = machine.suspended() else { return }
      onEvent(.stopped(reason, at: offset))
    }
  }

  private func conclude(_ last: SessionEvent) {
    upload = nil
    graceForEnd?.cancel()
    graceForEnd = nil
    machine.concluded()
    onEvent(last)
  }
}

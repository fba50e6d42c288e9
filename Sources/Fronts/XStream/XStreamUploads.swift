import GatewayCore
import Logging
import NIOCore
import TLSTransport
import XStream

// What the core is asked, and what it says.
extension XStreamHandler {
  func admit(_ request: ClientRequest) {
    wasAsked = true
    guard let session else { return }
    watch?.beginBody()
    let about = { [label] in
      label.metadata(request.context.traceparent.map { ["trace": "\($0)"] } ?? [:])
    }
    let access = AccessRequest(request.context, credentials: peer.credentials)
    do throws(Refusal) {
      switch request {
      case .open(let open):
        try session.open(UploadRequest(open, access, connection: peer.connection), about: about)
      case .payload(let payload):
        try session.open(UploadRequest(payload, access, connection: peer.connection), about: about)
      case .resume(let resume):
        try session.resume(UploadResumption(resume, access, connection: peer.connection), about: about)
      case .ask(let ask): session.status(of: UploadKey(ask.key), access) { self.answer(ask, $0) }
      case .giveUp(let giveUp):
        session.cancel(UploadKey(giveUp.key), access) { result in
          switch result {
          case .success: self.answer(.gaveUp)
          case .failure(let refusal): self.refuse(refusal)
          }
        }
      }
    } catch {
      reply(exchange.refused(RefusalMessage(error)))
    }
  }

  private func answer(_ ask: AskRequest, _ result: Result<UploadAccount, Refusal>) {
    switch result {
    // TOTAL is part of what a client has to know of its stream (protocol.md, section 5).
    case .success(let account) where account.total != ask.total.count: refuse(.unknownUpload)
    case .success(let account):
      switch account.state {
      case .done: answer(.complete(digest: account.digest.flatMap(StreamDigest.init), reply: .none))
      case .open: answer(.safe(account.safe))
      case .failed: answer(.gone)
      }
    case .failure(let refusal): refuse(refusal)
    }
  }

  private func answer(_ answer: ServerExchange.Answer) {
    reply(exchange.answered(answer))
    process()
  }

  private func refuse(_ refusal: Refusal) {
    reply(exchange.refused(RefusalMessage(refusal)))
    process()
  }

  // MARK: What the session says

  func sessionSaid(_ event: SessionEvent) {
    switch event {
    case .offered(let offer): offered(offer)
    case .refused(.broken) where exchange.isDecidingResume: reply(exchange.answered(.gone))
    case .refused(let refusal): reply(exchange.refused(RefusalMessage(refusal)))
    case .alreadyComplete(let account):
      reply(exchange.answered(.complete(digest: account.digest.flatMap(StreamDigest.init), reply: .none)))
    case .safe(let offset): return safe(upTo: offset)
    case .complete(let size, let result):
      tellBeforeFinal(safe: size)
      let answer = (result.reply?.readableBytes).map { PacketHead.Payload.bytes(Int64($0)) } ?? .none
      reply(exchange.completed(digest: result.digest.flatMap(StreamDigest.init), reply: answer), body: result.reply)
    case .stopped(let reason, let offset): stopped(for: reason, at: offset)
    case .failed(let failure, let safe):
      if safe > 0 { tellBeforeFinal(safe: safe) }
      reply(exchange.failed(ServerExchange.Failure(failure)))
    case .goOn: break
    }
    process()
  }

  private func offered(_ offer: UploadOffer) {
    context?.triggerUserOutboundEvent(
      ExpectedPlaintext(count: offer.granted - offer.offset, from: offer.offset), promise: nil)
    if exchange.isDecidingPayload {
      switch exchange.payloadAccepted(key: StreamKey(offer.key)) {
      case .receive: break
      case .finish: session?.finish()
      case .drop: leaveAndClose()
      }
    } else {
      switch exchange.offered(Grant(offer)) {
      case .receive(let message): send(message)
      case .finish(let message):
        send(message)
        session?.finish()
      case .suspend(let message):
        if let message { send(message) }
        leaveAndClose()
      }
    }
    if isStopping { stop() }
  }

  private func leaveAndClose() {
    session?.leave()
    context?.close(promise: nil)
  }

  private func safe(upTo offset: Int64) {
    tell(offset, isHeard: context?.channel.isWritable ?? false)
  }

  /// The final says what is safe, too: from the last progress packet to it there may be no more than between two of them
  /// (protocol.md, section 4), however much the last sync made safe.
  private func tellBeforeFinal(safe offset: Int64) {
    tell(offset, isHeard: false)
  }

  private func tell(_ offset: Int64, isHeard: Bool) {
    guard case .progress(let messages) = exchange.safe(upTo: offset, isHeard: isHeard) else { return }
    for message in messages { send(message) }
  }

  // MARK: Ending before everything has arrived

  /// What arrived is safe before the client is told why it must stop: LEFT is then exact.
  private func stopped(for reason: StopReason, at offset: Int64) {
    // A small upload that was dropped keeps nothing.
    if offset > 0 { tellBeforeFinal(safe: offset) }
    switch reason {
    case .grantFull, .clientGone: reply(exchange.partiallyFilled(safe: offset))
    case .superseded: reply(exchange.detached())
    case .silence, .tooSlow, .tookTooLong:
      reply(exchange.failed(ServerExchange.Failure(status: .timeout, reason: reason.logDescription)))
    case .unauthorized:
      reply(
        exchange.failed(
          ServerExchange.Failure(status: .unauthorized, reason: "the right to upload here has ended or was taken away"))
      )
    case .gatewayStopping: shutDown()
    }
  }

  /// The gateway goes away: what is whole is still answered, what is not is made safe and told so (status 15).
  func stop() {
    isStopping = true
    if session?.gatewayStops() == true { shutDown() }
  }

  /// The gateway goes away, and what is under way has time to end.
  func drainExchanges() {
    isDraining = true
    guard isAtRest else { return }
    if wasAsked { return stop() }
    context?.eventLoop.assumeIsolated().scheduleTask(in: GatewayIsDraining.patience) {
      if self.isAtRest { self.stop() }
    }
  }

  private func shutDown() {
    switch exchange.shutDown() {
    case .close: context?.close(promise: nil)
    case .answerFirst: return
    case .suspend(let message, let after), .drop(let message, let after): reply(.send(message, after))
    }
  }
}

import GatewayCore
import Logging
import NIOCore
import TLSTransport
import XStream

// What the core is asked, and what it says.
extension XStreamHandler {
  func admit(_ request: ClientRequest) {
    guard let eventLoop = context?.eventLoop else { return }
    let about = { [label] in
      label.metadata(request.context.traceparent.map { ["trace": "\($0)"] } ?? [:])
    }
    let core = UploadRequest(request, credentials: credentials, connection: connection)
    uploadNumber += 1
    let number = uploadNumber
    hasOffer = false
    do throws(GatewayCore.Refusal) {
      switch request {
      case .open, .payload:
        upload = try gateway.open(core, on: eventLoop, logger: logger, about: about) {
          self.uploadSaid($0, number: number)
        }
      case .resume(let resume):
        upload = try gateway.resume(UploadKey(resume.key), core, on: eventLoop, logger: logger, about: about) {
          self.uploadSaid($0, number: number)
        }
      case .ask(let ask):
        gateway.ask(UploadKey(ask.key), core, on: eventLoop).assumeIsolated().whenComplete { result in
          switch result {
          case .success(let account):
            switch account.state {
            case .done:
              self.answer(.complete(digest: account.digest.flatMap(StreamDigest.init), reply: .none), number: number)
            case .open: self.answer(.safe(account.safe), number: number)
            case .failed: self.answer(.gone, number: number)
            }
          case .failure(let error): self.refuse(error, number: number)
          }
        }
      case .giveUp(let giveUp):
        gateway.giveUp(UploadKey(giveUp.key), core, on: eventLoop).assumeIsolated().whenComplete { result in
          switch result {
          case .success: self.answer(.gaveUp, number: number)
          case .failure(let error): self.refuse(error, number: number)
          }
        }
      }
    } catch {
      reply(exchange.refused(XStream.Refusal(error)))
    }
  }

  private func answer(_ answer: ServerExchange.Answer, number: Int) {
    guard number == uploadNumber else { return }
    reply(exchange.answered(answer))
    process()
  }

  private func refuse(_ error: any Error, number: Int) {
    guard number == uploadNumber else { return }
    reply(exchange.refused(XStream.Refusal(error as? GatewayCore.Refusal ?? .storage("\(error)"))))
    process()
  }

  private func uploadSaid(_ event: UploadEvent, number: Int) {
    guard number == uploadNumber else { return }
    switch event {
    case .offered(let offer): offered(offer)
    case .refused(.broken) where exchange.isDecidingResume:
      upload = nil
      reply(exchange.answered(.gone))
    case .refused(let refusal):
      upload = nil
      reply(exchange.refused(XStream.Refusal(refusal)))
    case .alreadyComplete(let account):
      upload = nil
      reply(exchange.answered(.complete(digest: account.digest.flatMap(StreamDigest.init), reply: .none)))
    case .paused: isPaused = true
    case .resumed: isPaused = false
    case .safe(let offset): safe(upTo: offset)
    case .complete(let size, let result):
      upload = nil
      tellBeforeFinal(safe: size)
      let answer = (result.reply?.readableBytes).map { PacketHead.Payload.bytes(Int64($0)) } ?? .none
      reply(exchange.completed(digest: result.digest.flatMap(StreamDigest.init), reply: answer), body: result.reply)
    case .settled(let offset):
      upload = nil
      settled(at: offset)
    case .failed(let failure, let safe):
      upload = nil
      if hasOffer {
        if safe > 0 { tellBeforeFinal(safe: safe) }
        halt = nil
        reply(exchange.failed(ServerExchange.Failure(failure)))
      } else {
        reply(exchange.refused(XStream.Refusal(failure)))
      }
    case .superseded: halt = .superseded
    }
    // From within `upload.write` the loop that called it goes on by itself.
    if case .paused = event { return }
    process()
  }

  private func offered(_ offer: UploadOffer) {
    hasOffer = true
    safeOffset = offer.offset
    grantedEnd = offer.granted
    context?.triggerUserOutboundEvent(
      ExpectedPlaintext(count: offer.granted - offer.offset, from: offer.offset), promise: nil)
    if exchange.isDecidingPayload {
      switch exchange.payloadAccepted(key: StreamKey(offer.key)) {
      case .receive: break
      case .finish: upload?.finish()
      case .drop:
        upload?.leave()
        context?.close(promise: nil)
      }
    } else {
      switch exchange.offered(Grant(offer)) {
      case .receive(let message): send(message)
      case .finish(let message):
        send(message)
        upload?.finish()
      case .suspend(let message):
        if let message { send(message) }
        upload?.leave()
        context?.close(promise: nil)
      }
    }
    if isStopping { stop() }
  }

  func safe(upTo offset: Int64) {
    safeOffset = offset
    let isHeard = context?.channel.isWritable ?? false
    guard case .progress(let messages) = exchange.safe(upTo: offset, isHeard: isHeard) else { return }
    for message in messages { send(message) }
  }

  /// The final says what is safe, too: from the last progress packet to it there may be no more than between two of them
  /// (protocol.md section 4), however much the last sync made safe.
  private func tellBeforeFinal(safe offset: Int64) {
    safeOffset = offset
    guard case .progress(let messages) = exchange.safe(upTo: offset, isHeard: false) else { return }
    for message in messages { send(message) }
  }

  // MARK: Ending before everything has arrived

  /// Makes what arrived safe before the client is told why it must stop: LEFT is then exact.
  func settle(for reason: Halt) {
    guard halt == nil || halt == .grantFull else { return }
    graceForEnd?.cancel()
    graceForEnd = nil
    halt = reason
    upload?.leave()
  }

  private func settled(at offset: Int64) {
    guard hasOffer else { return }
    let reason = halt
    halt = nil
    // A small upload that was dropped keeps nothing.
    if offset > 0 { tellBeforeFinal(safe: offset) }
    switch reason {
    case nil, .grantFull:
      // The store may have failed with the last bytes: only what is safe may be said to be.
      guard offset >= grantedEnd else {
        return reply(
          exchange.failed(ServerExchange.Failure(UploadFailure.storage("the last bytes were not made safe"))))
      }
      reply(exchange.partiallyFilled())
    case .superseded: reply(exchange.detached())
    case .silent:
      reply(exchange.failed(ServerExchange.Failure(status: .timeout, reason: "no byte came for too long")))
    case .stopping:
      switch exchange.shutDown() {
      case .close: context?.close(promise: nil)
      case .answerFirst: break
      case .suspend(let message, let after), .drop(let message, let after): reply(.send(message, after))
      }
    }
  }

  /// The gateway goes away: what is whole is still answered, what is not is settled and told so (status 15).
  func stop() {
    isStopping = true
    if upload != nil, hasOffer, exchange.isReceiving { return settle(for: .stopping) }
    switch exchange.shutDown() {
    case .close: context?.close(promise: nil)
    case .answerFirst: return
    case .suspend(let message, let after), .drop(let message, let after): reply(.send(message, after))
    }
  }
}

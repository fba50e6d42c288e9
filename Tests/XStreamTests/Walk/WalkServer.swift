import NIOCore
import Testing

@testable import XStream

// The server's end of a walk: a front that does what the machine says, and a core that answers by chance.
extension Walk {
  mutating func serverReads(_ link: WalkLink) throws {
    guard !link.serverIsClosed else {
      link.serverInput.clear()
      return
    }
    if link.upEnd == .lost, link.up.readableBytes == 0 {
      ended(link, clean: false)
      return
    }
    while true {
      let count = link.serverInput.readableBytes
      switch link.server.bytesAvailable(count) {
      case .hold:
        if count == 0, link.upEnd == .clean, link.up.readableBytes == 0 { ended(link, clean: true) }
        return
      case .discard(let count):
        link.serverInput.moveReaderIndex(forwardBy: count)
      case .parsePacket:
        guard let head = try link.serverParser.parse(&link.serverInput) else { return }
        guard case .admit(let request) = link.server.received(head) else {
          Issue.record("the server rejects the client's packet: \(head)")
          return
        }
        link.pending = request
      case .forward(let count, let boundary):
        store(link.serverInput.readBytes(length: count) ?? [], link)
        switch boundary {
        case .more: break
        case .endOfUpload: link.goal = .complete
        case .endOfGrant: link.goal = .answerPartial
        }
      }
    }
  }

  private func store(_ bytes: [UInt8], _ link: WalkLink) {
    guard let stream = link.stream, stream.link === link else {
      Issue.record("bytes for a stream that is not here")
      return
    }
    let start = stream.stored.count
    #expect(bytes.indices.allSatisfy { bytes[$0] == WalkStream.byte(at: start + $0) }, "bytes in their place")
    stream.stored += bytes
  }

  private mutating func ended(_ link: WalkLink, clean: Bool) {
    switch link.server.inputEnded(clean: clean) {
    case .answerFirst: break
    case .finish: link.goal = .complete
    case .suspend, .drop:
      detach(link)
      link.closeServer()
    case .close:
      // What was whole is finished although nobody hears of it.
      if link.goal == .complete { seal(link) }
      link.closeServer()
    }
  }

  /// Suspends the stream: what is safe is kept, and by chance more.
  private mutating func detach(_ link: WalkLink, keeping safe: Int? = nil) {
    guard let stream = link.stream else { return }
    stream.safe = safe ?? stream.safe + upTo(stream.stored.count - stream.safe)
    stream.stored.removeLast(stream.stored.count - stream.safe)
    stream.link = nil
    link.stream = nil
    link.goal = nil
  }

  private func seal(_ link: WalkLink) {
    guard let stream = link.stream else { return }
    stream.safe = stream.stored.count
    _ = link.server.safe(upTo: Int64(stream.safe))
    stream.isComplete = true
    stream.link = nil
    link.stream = nil
    link.goal = nil
    link.serverWrites(link.server.completed())
  }

  mutating func coreActs(_ link: WalkLink) {
    if let request = link.pending {
      decide(request, link)
      return
    }
    guard let stream = link.stream else { return }
    if chance(1) {
      detach(link)
      link.serverWrites(link.server.failed(.init(status: .storage, reason: "by chance")))
      return
    }
    if chance(40), link.goal == .complete {
      seal(link)
      return
    }
    stream.safe += upTo(stream.stored.count - stream.safe)
    if case .progress(let messages) = link.server.safe(upTo: Int64(stream.safe), isHeard: chance(80)) {
      messages.forEach { link.serverWrites($0, .keepOpen) }
    }
    guard link.goal == .answerPartial else { return }
    if stream.safe == stream.stored.count {
      stream.link = nil
      link.stream = nil
      link.goal = nil
      link.serverWrites(link.server.partiallyFilled())
    } else if chance(10) {
      // A store that keeps large units only.
      let safe = Int64(stream.safe)
      detach(link, keeping: stream.safe)
      link.serverWrites(link.server.partiallyFilled(safe: safe))
    }
  }

  private mutating func decide(_ request: ClientRequest, _ link: WalkLink) {
    link.pending = nil
    guard !chance(10) else {
      link.serverWrites(link.server.refused(RefusalMessage(status: .busy, reason: "by chance")))
      return
    }
    switch request {
    case .open(let open):
      guard let key = StreamKey("walk-stream-key-\(streams.count)") else { return }
      let stream = WalkStream(key: key, total: open.total)
      streams[key] = stream
      grant(stream, open, link)
    case .resume(let resume):
      guard let stream = streams[resume.key], stream.total == resume.total else {
        Issue.record("a stream that never was")
        return
      }
      if let older = stream.link { take(stream, from: older) }
      if stream.isComplete {
        link.serverWrites(link.server.answered(.complete(digest: nil, reply: .none)))
      } else {
        grant(stream, resume.open, link)
      }
    case .ask(let ask):
      let stream = streams[ask.key]
      let isComplete = stream?.isComplete == true
      link.serverWrites(
        link.server.answered(
          isComplete ? .complete(digest: nil, reply: .none) : .safe(Int64(stream?.safe ?? 0))))
    case .giveUp, .payload:
      Issue.record("a walk has none of these")
    }
  }

  /// The newer connection wins, unless the stream is whole already.
  private mutating func take(_ stream: WalkStream, from older: WalkLink) {
    if older.goal == .complete {
      seal(older)
      return
    }
    detach(older)
    older.serverWrites(older.server.detached())
  }

  private mutating func grant(_ stream: WalkStream, _ open: OpenRequest, _ link: WalkLink) {
    let extent: Offer.Extent = chance(60) ? .whole : .next(Int64(1 + upTo(1500)))
    let grant = Grant(extent: extent, buffer: 64, key: stream.key, format: .bytes, offset: Int64(stream.safe))
    switch link.server.offered(grant) {
    case .receive(let offer):
      attach(stream, link)
      link.serverWrites(offer, .keepOpen)
    case .finish(let offer):
      attach(stream, link)
      link.goal = .complete
      link.serverWrites(offer, .keepOpen)
    case .suspend(let offer):
      if let offer { link.serverWrites(offer, .close) }
      link.closeServer()
    }
  }

  private func attach(_ stream: WalkStream, _ link: WalkLink) {
    stream.link = link
    link.stream = stream
  }
}

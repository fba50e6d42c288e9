import NIOCore
import Testing

@testable import XStream

/// A client and a server that meet over connections that are cut, held up and taken over, by a seed. Everything
/// that either end is promised is checked as it happens.
struct Walk {
  var random: SplitMix
  var links: [WalkLink] = []
  var streams: [StreamKey: WalkStream] = [:]
  /// What the client is at: the upload's length, whether the server is told, and where it resumes.
  var length = 0
  var isUnlimited = false
  var point: ResumePoint?
  var current: WalkLink?
  var completed = 0
  var takeovers = 0
  var cuts = 0
  var partials = 0

  init(seed: UInt64) {
    random = SplitMix(seed: seed)
    newUpload()
  }

  mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  mutating func upTo(_ limit: Int) -> Int { Int.random(in: 0...limit, using: &random) }

  mutating func newUpload() {
    length = chance(10) ? 0 : upTo(3000)
    isUnlimited = chance(30)
    point = nil
  }

  mutating func step() throws {
    links.removeAll { $0.serverIsClosed && $0 !== current }
    switch upTo(9) {
    case 0...2: try clientActs()
    case 3: if let current, chance(8) { abandon(current) }
    default:
      guard let link = chance(75) ? current : links.randomElement(using: &random) else { return }
      // A connection that the client has left is noticed at last.
      if link !== current, link.upEnd == nil, chance(5) { link.upEnd = .lost }
      switch upTo(4) {
      case 0: try serverReads(link)
      case 1, 2: coreActs(link)
      case 3: move(from: &link.up, to: &link.serverInput)
      default:
        move(from: &link.down, to: &link.clientInput)
        do {
          try clientReads(link)
        } catch  where link !== current {
          // A connection that the client has left knows nothing of what was sent on a later one, so its machine is
          // right to wonder; nobody listens to it any more.
          link.upEnd = .lost
        }
      }
      if link.serverIsClosing, chance(20) { link.closeServer() }
    }
  }

  private mutating func move(from: inout ByteBuffer, to: inout ByteBuffer) {
    guard from.readableBytes > 0 else { return }
    let count = chance(50) ? from.readableBytes : upTo(from.readableBytes)
    if var part = from.readSlice(length: count) { to.writeBuffer(&part) }
    if from.readableBytes == 0 { from.clear() }
  }

  /// The client loses its connection, or takes the stream to a newer one while the older seems alive.
  private mutating func abandon(_ link: WalkLink) {
    if let known = link.client.resumePoint { point = known }
    current = nil
    guard chance(60) else {
      takeovers += 1
      return
    }
    cuts += 1
    link.up = link.up.getSlice(at: link.up.readerIndex, length: upTo(link.up.readableBytes)) ?? ByteBuffer()
    link.upEnd = .lost
    _ = link.client.inputEnded()
  }

  // MARK: The client

  private mutating func clientActs() throws {
    guard let link = current else {
      let link = WalkLink()
      links.append(link)
      current = link
      return
    }
    if link.client.isIdle {
      try start(link)
    } else if link.client.sendable > 0 {
      send(link)
    }
    // An awaited final may still want the end of the source.
    if isUnlimited, link.upEnd == nil, link.position == length, link.client.isSendingStream, link.client.sourceEnded() {
      link.upEnd = .clean
    }
  }

  private mutating func start(_ link: WalkLink) throws {
    let total: Total = isUnlimited ? .unlimited : .known(Int64(length))
    let context = RequestContext(route: "/a")
    if let point, chance(20) {
      link.clientWrites(try link.client.start(.ask(AskRequest(context: context, total: total, key: point.key))))
      return
    }
    let open = OpenRequest(
      context: context, format: .bytes, total: total, buffer: 64,
      acknowledgeEvery: chance(70) ? Int64(1 + upTo(300)) : nil)
    (link.position, link.length) = (-1, length)
    if let point {
      link.clientWrites(
        try link.client.start(.resume(ResumeRequest(open: open, key: point.key)), from: point))
    } else {
      link.clientWrites(try link.client.start(.open(open)))
    }
  }

  private mutating func send(_ link: WalkLink) {
    let count = upTo(min(Int(min(link.client.sendable, 400)), length - link.position))
    guard count > 0 else { return }
    for offset in link.position..<link.position + count { link.up.writeInteger(WalkStream.byte(at: offset)) }
    link.position += count
    _ = link.client.sent(count)
  }

  private mutating func clientReads(_ link: WalkLink) throws {
    while true {
      switch link.client.bytesAvailable(link.clientInput.readableBytes) {
      case .wait:
        if link.downEnds, link.down.readableBytes == 0 {
          if link === current {
            if let known = link.client.resumePoint { point = known }
            current = nil
          }
          _ = link.client.inputEnded()
        }
        return
      case .discard(let count):
        link.clientInput.moveReaderIndex(forwardBy: count)
      case .reply:
        Issue.record("a reply that nobody sent")
        return
      case .parsePacket:
        guard let head = try link.clientParser.parse(&link.clientInput) else { return }
        heard(try link.client.received(head), link)
      }
    }
  }

  private mutating func heard(_ message: ClientExchange.OnMessage, _ link: WalkLink) {
    switch message {
    case .send(let offset, _):
      link.position = Int(offset)
    case .awaitFinal:
      link.position = length
    case .progress(let offset):
      // A connection that was lost tells the client nothing, so it may be behind what was made safe on another one.
      #expect(offset <= link.length)
    case .over(let outcome):
      guard link === current else { return }
      if !outcome.connectionStays {
        current = nil
        if link.upEnd == nil { link.upEnd = .clean }
      }
      switch outcome.next {
      case .done:
        let stream = outcome.key.flatMap { streams[$0] }
        #expect(stream?.isComplete == true)
        #expect(stream?.stored.count == length)
        completed += 1
        newUpload()
      case .resume(let next, _):
        if outcome.status == .partial { partials += 1 }
        // An answer to a question does not know what was sent.
        let sent = next.sent ?? point?.sent
        point = ResumePoint(key: next.key, safe: max(next.safe, 0), sent: sent)
      case .retry:
        point = nil
      case .never:
        // The resume of a connection that the client has left was read last and took the stream. This client knows
        // that it has no other and goes on.
        #expect(outcome.status == .unknownKey, "\(outcome)")
        point = outcome.key.map { ResumePoint(key: $0) }
        takeovers += 1
      }
    }
  }
}

extension ClientExchange {
  /// Whether a stream was offered and is not answered.
  fileprivate var isSendingStream: Bool {
    switch state {
    case .sending, .awaitingFinal: true
    case .idle, .awaitingOffer, .awaitingAnswer, .reply, .closed: false
    }
  }
}

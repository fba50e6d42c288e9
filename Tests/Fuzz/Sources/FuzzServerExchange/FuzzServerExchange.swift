import NIOCore
import XStream

/// Feeds arbitrary bytes to the parser and the server's machine, with a core that answers as the input says.
///
/// The first byte is the number of decisions, they follow, the rest is what the client sends. A crash is the finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzServerExchange(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = bytes.first else { return 0 }
  let decisions = Array(bytes.dropFirst().prefix(Int(first)))
  var session = FuzzSession(decisions: decisions, wire: Array(bytes.dropFirst(1 + decisions.count)))
  session.run()
  return 0
}

/// One connection, from its first byte to its end.
struct FuzzSession {
  private let decisions: [UInt8]
  private var nextDecision = 0
  private var wire: ArraySlice<UInt8>
  private var input = ByteBuffer()
  private var parser = PacketParser()
  private var machine = ServerExchange()
  private var upload: Upload?
  private var isOver = false

  /// What the core knows of the connection's upload.
  private struct Upload {
    var received: Int64
    var safe: Int64
    var ending: ServerExchange.Boundary?
  }

  init(decisions: [UInt8], wire: [UInt8]) {
    self.decisions = decisions
    self.wire = wire[...]
  }

  mutating func run() {
    // Each turn takes wire bytes, or ends the input, so the number of turns is bounded.
    var hasEnded = false
    while !isOver, !hasEnded {
      if wire.isEmpty {
        hasEnded = true
      } else {
        let size = decide(3) == 0 ? 1 : min(wire.count, 1 + Int(decide(200)))
        input.writeBytes(wire.prefix(size))
        wire = wire.dropFirst(size)
      }
      consume()
      coreActs()
      consume()
      if hasEnded { end(clean: decide(2) == 0) }
    }
    coreActs()
  }

  private mutating func decide(_ choices: UInt8) -> UInt8 {
    guard !decisions.isEmpty else { return 0 }
    defer { nextDecision += 1 }
    return decisions[nextDecision % decisions.count] % choices
  }

  private mutating func consume() {
    while !isOver {
      let count = input.readableBytes
      switch machine.bytesAvailable(count) {
      case .hold:
        return
      case .discard(let taken):
        precondition(taken > 0 && taken <= count)
        input.moveReaderIndex(forwardBy: taken)
      case .forward(let taken, let boundary):
        precondition(taken > 0 && taken <= count)
        input.moveReaderIndex(forwardBy: taken)
        guard upload != nil, upload?.ending == nil else { preconditionFailure("bytes without an upload") }
        upload?.received += Int64(taken)
        if boundary != .more { upload?.ending = boundary }
      case .parsePacket:
        precondition(upload == nil, "a packet in the middle of an upload")
        guard parsePacket() else { return }
      }
    }
  }

  private mutating func parsePacket() -> Bool {
    do throws(PacketError) {
      guard let head = try parser.parse(&input) else { return false }
      if case .admit(let request) = machine.received(head) {
        checkRoundTrip(request)
        answer(request)
      }
      return true
    } catch {
      send(machine.refuseInput(.malformed, reason: error.reason))
      return true
    }
  }

  private mutating func answer(_ request: ClientRequest) {
    guard decide(8) != 0 else {
      let status = Status(rawValue: 1 + Int(decide(16))) ?? .internal
      send(machine.refused(RefusalMessage(status: status, reason: "no", formats: [.bytes])))
      return
    }
    if decide(10) == 0 { end(clean: decide(2) == 0) }
    switch request {
    case .open(let open):
      offer(open, from: 0)
    case .resume(let resume):
      if decide(4) == 0 {
        send(machine.answered(.complete(digest: nil, reply: .bytes(2))))
      } else {
        offer(resume.open, from: Int64(decide(255)))
      }
    case .ask(let ask):
      if decide(2) == 0 {
        send(machine.answered(.complete(digest: nil, reply: .none)))
      } else {
        send(machine.answered(.safe(within(ask.total, Int64(decide(255))))))
      }
    case .giveUp:
      send(machine.answered(.gaveUp))
    case .payload:
      guard let key = StreamKey("0123456789abcdef") else { return }
      switch machine.payloadAccepted(key: key) {
      case .receive: upload = Upload(received: 0, safe: 0)
      case .finish: upload = Upload(received: 0, safe: 0, ending: .endOfUpload)
      case .drop: isOver = true
      }
    }
  }

  private func within(_ total: Total, _ offset: Int64) -> Int64 {
    if case .known(let total) = total { min(total, offset) } else { offset }
  }

  private mutating func offer(_ open: OpenRequest, from offset: Int64) {
    guard let key = StreamKey("0123456789abcdef") else { return }
    let offset = within(open.total, offset)
    let extent: Offer.Extent = decide(2) == 0 ? .whole : .next(decide(9) == 0 ? .max : 1 + Int64(decide(99)))
    let grant = Grant(extent: extent, buffer: open.buffer, key: key, format: open.format, offset: offset)
    switch machine.offered(grant) {
    case .receive(let message):
      check(message)
      upload = Upload(received: offset, safe: offset)
    case .finish(let message):
      check(message)
      upload = Upload(received: offset, safe: offset, ending: .endOfUpload)
    case .suspend:
      isOver = true
    }
  }

  private mutating func coreActs() {
    guard var upload else { return }
    upload.safe += (upload.received - upload.safe) * Int64(decide(3)) / 2
    self.upload = upload
    if case .progress(let messages) = machine.safe(upTo: upload.safe) { messages.forEach(check) }
    switch decide(12) {
    case 0: finish(machine.failed(.init(status: .storage, reason: "full\n")))
    case 1: finish(machine.detached())
    case 2:
      if case .close = machine.shutDown() { isOver = true }
      if machine.bytesAvailable(1) == .discard(1) { isOver = true }
    default:
      switch upload.ending {
      case .endOfUpload: finish(machine.completed())
      case .endOfGrant: finish(machine.partiallyFilled(safe: decide(2) == 0 ? nil : upload.safe))
      case .more, nil: break
      }
    }
  }

  private mutating func finish(_ answer: ServerExchange.OnAnswer) {
    upload = nil
    send(answer)
  }

  private mutating func send(_ answer: ServerExchange.OnAnswer) {
    guard case .send(let message, let after) = answer else { return }
    check(message)
    if after == .close { isOver = true }
  }

  private mutating func end(clean: Bool) {
    guard !isOver, !clean || input.readableBytes == 0 else { return }
    switch machine.inputEnded(clean: clean) {
    case .answerFirst: break
    case .finish: upload?.ending = .endOfUpload
    case .suspend, .drop, .close: isOver = machine.bytesAvailable(1) == .discard(1)
    }
  }

  /// What was admitted can be written again, unless a name's percent-encoding makes it too long.
  private func checkRoundTrip(_ request: ClientRequest) {
    do throws(RequestError) {
      _ = try request.head()
    } catch .unsendable(.headTooLong) {
      return
    } catch {
      preconditionFailure("an admitted request cannot be written: \(error)")
    }
  }

  /// Whatever the server says is a message that its client can read.
  private func check(_ message: ServerMessage) {
    var buffer = ByteBuffer()
    PacketWriter.write(message, into: &buffer)
    var parser = PacketParser()
    guard let head = try? parser.parse(&buffer), (try? ServerMessage(head)) != nil, buffer.readableBytes == 0 else {
      preconditionFailure("the server writes what no client reads: \(message)")
    }
  }
}

import GatewayCore
import NIOCore
import NIOEmbedded
import Testing

/// Clients that come, send, vanish, take over and cancel in any order, while store and ledger fail and answer when they
/// like. Whatever happens: what was acknowledged is safe, what is complete is whole, and in the end nothing is held.
@Suite("Clients, store and ledger in any order")
struct GatewayRandomWalkTests {
  @Test("lose no acknowledged byte, keep the quota exact and leave nothing held", arguments: 0..<150 as Range<UInt64>)
  func walk(seed: UInt64) {
    let walk = Walk(seed: seed)
    for _ in 0..<400 { walk.step() }
    walk.calmDown()
  }
}

/// One client's connection: sends within its offer, and says what the protocol lets it say.
private final class WalkingClient {
  let total: Int64
  let shape: UploadRequest.Shape
  let front: TestFront
  var sent: Int64 = 0
  var isOver = false
  var hasEnded = false

  init(total: Int64, shape: UploadRequest.Shape, front: TestFront) {
    self.total = total
    self.shape = shape
    self.front = front
  }
}

private final class Walk {
  private let loop = EmbeddedEventLoop()
  private let fixture: GatewayFixture
  private let seed: UInt64
  private var random: SeededGenerator
  private var clients: [WalkingClient] = []
  /// What was offered, by key, with the total: to come back with.
  private var offered: [(key: UploadKey, total: Int64)] = []
  /// How many uploads were begun or gone on with.
  private var begun = 0
  private var payloads: Set<UploadKey> = []
  /// Whether the ledger has said of an upload that another gateway has it: that one's to drop is a payload then.
  private var hasFenced = false
  private var acknowledged: [UploadKey: Int64] = [:]
  private var cancelled: Set<UploadKey> = []
  private var completed: [UploadKey: Int64] = [:]
  private let bytes = ByteBuffer(repeating: 7, count: 2 << 20)

  init(seed: UInt64) {
    self.seed = seed
    self.random = SeededGenerator(seed: seed)
    fixture = GatewayFixture(
      window: 1 << 20, memory: 4 << 20, held: 40 << 20, upload: 8 << 20, concurrent: 6, unfinished: 12,
      payload: 8 << 20, granularity: [1, 1, 300_000, 3 << 20][Int(seed % 4)],
      growth: (400 << 10)...(2 << 20))
    fixture.ledger.isHeld = true
    fixture.forwarder.isHeld = true
    fixture.forwarder.space = 20 << 20
    fixture.forwarder.tellsState = true
  }

  func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<4: begin()
    case 4..<9: comeBack()
    case 9..<11: cancel()
    case 11..<13: clients.randomElement(using: &random).map(vanish)
    case 13..<15: breakSomething()
    case 15..<40: clients.randomElement(using: &random).map(send)
    case 40..<65: _ = fixture.ledger.answerNext()
    case 65..<95: _ = fixture.forwarder.live.values.randomElement(using: &random)?.sayNext()
    default: loop.advanceTime(by: .milliseconds(Int64.random(in: 1...1200, using: &random)))
    }
    loop.run()
    check()
  }

  func calmDown() {
    fixture.ledger.forgiveAll()
    fixture.forwarder.faults = []
    fixture.forwarder.nextShortage = nil
    for client in clients { client.front.upload?.leaveSilently() }
    for _ in 0..<50 {
      while fixture.ledger.answerNext() { loop.run() }
      for sink in fixture.forwarder.live.values { while sink.sayNext() { loop.run() } }
      loop.advanceTime(by: .seconds(1))
    }
    check()
    expect(fixture.gateway.memory.bytesInUse == 0, "memory \(fixture.gateway.memory.bytesInUse)")
    expect(fixture.gateway.connectedByRoute.isEmpty, "connected \(fixture.gateway.connectedByRoute)")
    expect(fixture.forwarder.live.isEmpty, "living sinks")
    expect(fixture.forwarder.reserved.isEmpty, "space is still reserved")
    expect(fixture.observer.ends.count == begun, "\(fixture.observer.ends.count) ends of \(begun)")
    for (key, record) in fixture.ledger.uploads where record.state == .open {
      let isOthers = hasFenced && payloads.contains(key)
      expect(isOthers || offered.contains { $0.key == key }, "kept what was never offered")
      expect((fixture.forwarder.stored[key]?.safe ?? 0) >= record.committed, "recorded more than is safe")
    }
  }

  private func check() {
    expect(fixture.gateway.memory.bytesInUse >= 0, "memory below nothing")
    expect(fixture.forwarder.violations.isEmpty, "\(fixture.forwarder.violations)")
    expect(fixture.ledger.violations.isEmpty, "\(fixture.ledger.violations)")
    let used = fixture.ledger.used(GatewayFixture.path)
    expect(used + fixture.ledger.reserved(GatewayFixture.path) <= 40 << 20, "quota exceeded")
    expect(used == fixture.ledger.uploads.values.reduce(0) { $0 + ($1.state == .done ? $1.committed : 0) }, "used")
    for (key, offset) in acknowledged where !cancelled.contains(key) {
      expect((fixture.ledger.uploads[key]?.committed ?? 0) >= offset, "acknowledged more than is recorded")
      expect((fixture.forwarder.stored[key]?.safe ?? 0) >= offset, "acknowledged more than is safe")
    }
    for (key, size) in completed {
      expect(fixture.ledger.uploads[key]?.state == .done, "complete, but not recorded so")
      expect(
        fixture.forwarder.stored[key] == .init(written: size, safe: size, isPlaced: true), "complete, but not whole")
    }
  }

  private func begin() {
    let total = Int64.random(in: 0...(6 << 20), using: &random)
    let every: Int64? = Bool.random(using: &random) ? 1 << 20 : nil
    let shape: UploadRequest.Shape = Int.random(in: 0..<4, using: &random) == 0 ? .payload : .stream
    let isUnknown = shape == .stream && Int.random(in: 0..<4, using: &random) == 0
    let request = fixture.request(total: isUnknown ? nil : total, shape: shape, acknowledgeEvery: every)
    guard let front = try? fixture.open(request, on: loop) else { return }
    follow(WalkingClient(total: total, shape: shape, front: front))
  }

  private func comeBack() {
    guard let (key, total) = offered.randomElement(using: &random) else { return }
    let declared = fixture.ledger.uploads[key]?.facts.total
    let offset = acknowledged[key]
    let request = fixture.resumption(
      of: key, total: Bool.random(using: &random) ? .value(declared) : .nothing,
      offset: Int.random(in: 0..<4, using: &random) == 0 ? offset : nil,
      lateTotal: Int.random(in: 0..<3, using: &random) == 0 ? total : nil, acknowledgeEvery: 1 << 20)
    guard let front = try? fixture.resume(request, on: loop) else { return }
    follow(WalkingClient(total: total, shape: .stream, front: front))
  }

  private func cancel() {
    guard let key = offered.randomElement(using: &random)?.key else { return }
    // From here on it may go at any moment.
    if completed[key] == nil { cancelled.insert(key) }
    fixture.gateway.cancel(key, fixture.context(), on: loop).assumeIsolated().whenComplete { _ in }
  }

  private func vanish(_ client: WalkingClient) {
    client.front.upload?.leaveSilently()
    clients.removeAll { $0 === client }
  }

  private func breakSomething() {
    switch Int.random(in: 0..<10, using: &random) {
    case 8: fixture.forwarder.nextShortage = .promised
    case 9: fixture.ledger.failNext(.extend, Bool.random(using: &random) ? .fenced : .quota(available: 0))
    case 0..<3: fixture.ledger.failNext(TestLedger.Call.allCases.randomElement(using: &random) ?? .advance)
    case 3:
      hasFenced = true
      fixture.ledger.failNext(Bool.random(using: &random) ? .advance : .complete, .fenced)
    case 4:
      let calls: [TestLedger.Call] = [.takeOver, .advance, .complete, .release]
      fixture.ledger.loseNextAnswer(calls.randomElement(using: &random) ?? .complete)
    default:
      let step = TestForwarder.Step.allCases.randomElement(using: &random) ?? .write
      fixture.forwarder.failNext(step, .storage("broken"))
    }
  }

  private func send(_ client: WalkingClient) {
    guard let offer = client.front.offer, !client.isOver, !client.front.isPaused else { return }
    let end = min(offer.granted, client.total)
    let left = end - client.sent
    let count = Int(min(left, Int64.random(in: 1...(1 << 20), using: &random)))
    if count > 0, let slice = bytes.getSlice(at: 0, length: count) { client.front.upload?.write(slice) }
    client.sent += Int64(count)
    guard client.sent == end else { return }
    client.isOver = true
    if client.sent == client.total { client.front.upload?.finish() } else { client.front.upload?.leave() }
  }

  private func follow(_ client: WalkingClient) {
    clients.append(client)
    begun += 1
    client.front.onEvent = { [self, unowned client] event in
      expect(!client.hasEnded, "an event after the last")
      switch event {
      case .offered(let offer):
        client.sent = offer.offset
        // A payload's key comes with its final packet: nobody can come back with it, nor count on its bytes.
        guard client.shape == .stream else {
          payloads.insert(offer.key)
          return
        }
        if !offered.contains(where: { $0.key == offer.key }) { offered.append((offer.key, client.total)) }
        acknowledged[offer.key] = max(acknowledged[offer.key] ?? 0, offer.offset)
      case .safe(let offset):
        expect(offset <= client.sent, "acknowledged more than was sent")
        guard let key = client.front.offer?.key, client.shape == .stream else { return }
        acknowledged[key] = max(acknowledged[key] ?? 0, offset)
      case .complete(let size, _):
        guard let key = client.front.offer?.key else { return }
        expect(size == client.total, "complete with \(size) of \(client.total)")
        completed[key] = size
        end(client)
      case .suspended(let offset), .failed(_, let offset):
        if let key = client.front.offer?.key, client.shape == .stream {
          acknowledged[key] = max(acknowledged[key] ?? 0, offset)
        }
        end(client)
      case .refused, .alreadyComplete: end(client)
      case .superseded, .unauthorized: client.isOver = true
      case .paused, .resumed: break
      }
    }
  }

  private func end(_ client: WalkingClient) {
    client.isOver = true
    client.hasEnded = true
    clients.removeAll { $0 === client }
  }

  private func expect(_ isTrue: Bool, _ what: @autoclosure () -> String) {
    if !isTrue { Issue.record("seed \(seed): \(what())") }
  }
}

import ContentDigests
import GatewayCore
import NIOCore
import NIOPosix
import Testing

/// Drives one sink from a test: calls go to its event loop, events come back as a sequence.
///
/// Checks on the way what holds for every sink: offsets only grow, nothing is safe that was not written, no event comes
/// from within a call or after the last one.
final class SinkDriver: Sendable {
  private struct State {
    var sink: (any Sink)?
    var isCalling = false
    var isOver = false
    var given: Int64
    var consumed: Int64
    var safe: Int64
  }

  let eventLoop: any EventLoop
  private let state: NIOLoopBoundBox<State>
  private let events: AsyncStream<SinkEvent>

  private init(eventLoop: any EventLoop, state: NIOLoopBoundBox<State>, events: AsyncStream<SinkEvent>) {
    self.eventLoop = eventLoop
    self.state = state
    self.events = events
  }

  /// A driver of a new sink, which has said nothing yet.
  static func start(
    _ forwarder: any Forwarder, _ upload: SinkUpload, from offset: Int64 = 0,
    on eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next()
  ) async throws -> SinkDriver {
    try await eventLoop.submit {
      let (events, continuation) = AsyncStream.makeStream(of: SinkEvent.self)
      let state = NIOLoopBoundBox(State(sink: nil, given: offset, consumed: offset, safe: offset), eventLoop: eventLoop)
      state.value.isCalling = true
      state.value.sink = forwarder.makeSink(for: upload, from: offset, on: eventLoop) { event in
        eventLoop.preconditionInEventLoop()
        Self.check(event, &state.value)
        continuation.yield(event)
      }
      state.value.isCalling = false
      return SinkDriver(eventLoop: eventLoop, state: state, events: events)
    }.get()
  }

  /// A driver of a new sink that has said that it is open.
  static func open(_ forwarder: any Forwarder, _ upload: SinkUpload, from offset: Int64 = 0) async throws -> SinkDriver
  {
    let driver = try await start(forwarder, upload, from: offset)
    let event = await driver.next()
    guard case .opened = event else { throw Unexpected(event: event) }
    return driver
  }

  struct Unexpected: Error {
    var event: SinkEvent?
  }

  private static func check(_ event: SinkEvent, _ state: inout State) {
    #expect(!state.isCalling, "an event came from within a call")
    #expect(!state.isOver, "an event came after the last one")
    switch event {
    case .opened: break
    case .consumed(let offset):
      #expect(offset > state.consumed && offset <= state.given)
      state.consumed = offset
    case .safe(let offset, _):
      #expect(offset >= state.safe && offset <= state.given)
      state.safe = offset
    case .suspended(let offset, _):
      #expect(offset >= state.safe && offset <= state.given)
      state.isOver = true
    case .finished, .found: state.isOver = true
    case .failed: break
    }
  }

  /// Calls the sink on its event loop.
  func call(_ body: @escaping @Sendable (any Sink) -> Void) async throws {
    try await eventLoop.submit { [state] in
      state.value.isCalling = true
      if let sink = state.value.sink { body(sink) }
      state.value.isCalling = false
    }.get()
  }

  func write(_ bytes: [UInt8]) async throws {
    try await eventLoop.submit { [state] in state.value.given += Int64(bytes.count) }.get()
    try await call { $0.write(ByteBuffer(bytes: bytes)) }
  }

  /// Has it copy, and waits until it has.
  func copy(_ slice: PartSlice) async throws {
    let end = try await eventLoop.submit { [state] in
      state.value.given += Int64(slice.range.count)
      return state.value.given
    }.get()
    try await call { ($0 as? any CopyingSink)?.copy(slice) }
    let event = await next()
    guard case .consumed(end) = event else { throw Unexpected(event: event) }
  }

  /// The next event of any kind.
  func next() async -> SinkEvent? {
    var iterator = events.makeAsyncIterator()
    return await iterator.next()
  }

  /// The next event that does not only say that memory was let go.
  func nextButConsumed() async -> SinkEvent? {
    while let event = await next() {
      if case .consumed = event { continue }
      return event
    }
    return nil
  }

  func waitUntilConsumed(_ offset: Int64) async throws {
    while let event = await next() {
      guard case .consumed(let upTo) = event else { throw Unexpected(event: event) }
      if upTo == offset { return }
    }
  }

  func checkpoint() async throws -> Int64 {
    try await call { $0.checkpoint() }
    let event = await nextButConsumed()
    guard case .safe(let offset, _) = event else { throw Unexpected(event: event) }
    return offset
  }

  /// The next answer to a checkpoint that was asked for before.
  func nextSafe() async throws -> Int64 {
    let event = await nextButConsumed()
    guard case .safe(let offset, _) = event else { throw Unexpected(event: event) }
    return offset
  }

  /// The offset that the sink has said to have taken.
  func consumed() async throws -> Int64 {
    try await eventLoop.submit { [state] in state.value.consumed }.get()
  }

  func finish() async throws -> ContentDigest? {
    try await call { $0.finish() }
    let event = await nextButConsumed()
    guard case .finished(let result) = event else { throw Unexpected(event: event) }
    return result.digest
  }

  func suspend() async throws -> Int64 {
    try await call { $0.suspend() }
    let event = await nextButConsumed()
    guard case .suspended(let offset, _) = event else { throw Unexpected(event: event) }
    return offset
  }

  /// Waits for the failure that something else has caused.
  func failure() async throws -> SinkFailure {
    let event = await nextButConsumed()
    guard case .failed(let failure) = event else { throw Unexpected(event: event) }
    return failure
  }
}

/// The SHA-256 of `bytes`.
func digest(of bytes: [UInt8]) throws -> ContentDigest {
  let hasher = SHA256Hasher()
  bytes.withUnsafeBytes { hasher.update($0) }
  return try #require(ContentDigest(bytes: hasher.finish()))
}

/// Bytes of which no two neighbouring pieces are alike.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
  return [UInt8](unsafeUninitializedCapacity: count + 8) { space, initialized in
    // Eight at a time: without optimization, each step costs other tests their time.
    let bytes = UnsafeMutableRawBufferPointer(space)
    var index = 0
    while index < count {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      bytes.storeBytes(of: state, toByteOffset: index, as: UInt64.self)
      index += 8
    }
    initialized = count
  }
}

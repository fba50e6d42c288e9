import Foundation
import NIOCore
import Synchronization
import TLSTransport
import XStream
import XStreamClient

extension UploadClient {
  static func test(
    ca: String = TestCertificates.ours.ca, certificate: Bool = false, token: String? = nil
  ) throws -> UploadClient {
    let ours = TestCertificates.ours
    return try UploadClient(
      ClientConfiguration(
        trust: .caFile(ca),
        identity: certificate ? .init(certificateChainFile: ours.client, privateKeyFile: ours.clientKey) : nil,
        token: token, silenceTimeout: .seconds(20)))
  }

  /// Asks for what an upload ended with.
  func ask(_ key: UploadHandle, total: Int64?, at url: XStreamURL) async throws -> StreamPosition {
    try await ask(key, total: total, at: .stream(url))
  }

  /// Gives up what an upload ended with.
  func giveUp(_ key: UploadHandle, at url: XStreamURL) async throws {
    try await giveUp(key, at: .stream(url))
  }
}

extension XStreamURL {
  static func local(_ port: Int, _ route: String = "/upload-file") throws -> XStreamURL {
    try XStreamURL("xstream://localhost:\(port)\(route)")
  }
}

extension UploadOptions {
  /// Of a client that tries again soon.
  static func quick(_ change: (inout UploadOptions) -> Void = { _ in }) -> UploadOptions {
    var options = UploadOptions(
      retry: RetryPolicy(initialDelay: .milliseconds(20), maximumDelay: .milliseconds(100), patience: .seconds(30)))
    change(&options)
    return options
  }

  /// Of a client that tries once.
  static var once: UploadOptions { quick { $0.retry.patience = .zero } }
}

/// The error of an upload that must fail.
func failure(_ body: () async throws -> some Sendable) async -> UploadError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? UploadError
  }
}

/// Bytes that differ from place to place: each block begins with its number.
func pattern(_ count: Int, seed: UInt8 = 31) -> ByteBuffer {
  let block = ByteBuffer(bytes: (0..<4096).map { UInt8(truncatingIfNeeded: $0) &* seed &+ UInt8($0 >> 8) })
  var bytes = ByteBuffer()
  bytes.reserveCapacity(count + block.readableBytes + 8)
  while bytes.readableBytes < count {
    bytes.writeInteger(bytes.readableBytes)
    bytes.writeImmutableBuffer(block)
  }
  return bytes.getSlice(at: 0, length: count) ?? bytes
}

extension Data {
  init(_ buffer: ByteBuffer) { self.init(buffer.readableBytesView) }
}

/// The events of an upload.
final class UploadEvents: Sendable {
  private let events = Mutex<[TransferEvent]>([])
  var add: @Sendable (TransferEvent) -> Void { { event in self.events.withLock { $0.append(event) } } }
  var all: [TransferEvent] { events.withLock { $0 } }

  /// What the server said to be safe, in order, offers' offsets included.
  var acknowledged: [Int64] {
    all.compactMap { event in
      switch event {
      case .offered(let offer): offer.offset
      case .progress(let progress): progress.safe
      case .hashing, .checking, .connecting, .restarting, .waiting, .cannotBeResumed: nil
      }
    }
  }
}

/// Looks again and again until it is so, for ten seconds at most: for what has no event to wait on.
func eventually(_ condition: () throws -> Bool) async rethrows -> Bool {
  let clock = ContinuousClock()
  let deadline = clock.now + .seconds(10)
  while try !condition() {
    guard clock.now < deadline else { return false }
    try? await clock.sleep(for: .milliseconds(10))
  }
  return true
}

/// Waits until a number that grows has not changed for half a second.
func settled(_ number: () -> Int) async throws -> Int {
  var last = (value: 0, unchanged: 0)
  while last.value == 0 || last.unchanged < 10 {
    try await Task.sleep(for: .milliseconds(50))
    let value = number()
    last = (value, value == last.value ? last.unchanged + 1 : 0)
  }
  return last.value
}

/// A question that is answered at once, with a refusal.
let idleQuestion = "headers:\n    route: /none\n    x-stream: 1:0\n    x-stream-key: 0123456789abcdefghij\npayload: -\n"

enum XStreamKey {
  /// Where to go on with a stream, from an offset that the server has to say.
  static func point(_ key: String) -> ResumePoint? { StreamKey(key).map { ResumePoint(key: $0) } }
}

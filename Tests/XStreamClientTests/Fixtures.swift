import DevelopmentCertificates
import Foundation
import NIOCore
import Synchronization
import TLSTransport
import XStream
import XStreamClient

let key: StreamKey = {
  guard let key = StreamKey("0123456789abcdefghij_-") else { preconditionFailure("a fixture is wrong") }
  return key
}()

/// Bytes that differ from place to place: each block begins with its number.
func pattern(_ count: Int) -> ByteBuffer {
  let block = ByteBuffer(bytes: (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
  var bytes = ByteBuffer()
  bytes.reserveCapacity(count + block.readableBytes + 8)
  while bytes.readableBytes < count {
    bytes.writeInteger(bytes.readableBytes)
    bytes.writeImmutableBuffer(block)
  }
  return bytes.getSlice(at: 0, length: count) ?? bytes
}

func client(silence: Duration = .seconds(10), token: String? = nil) throws -> UploadClient {
  try UploadClient(ClientConfiguration(trust: .caFile(Certificates.ca), token: token, silenceTimeout: silence))
}

/// Options of a client that does not wait long.
func quick(_ change: (inout UploadOptions) -> Void = { _ in }) -> UploadOptions {
  var options = UploadOptions(
    retry: RetryPolicy(initialDelay: .milliseconds(1), maximumDelay: .milliseconds(5), patience: .seconds(20)))
  change(&options)
  return options
}

func offer(_ extent: Offer.Extent = .whole, at offset: Int64? = nil, key: StreamKey = key) -> ServerMessage {
  .offer(Offer(extent: extent, buffer: 65536, key: key, format: .bytes, offset: offset))
}

func final(_ status: Status = .ok, left: Int64 = 0, digest: StreamDigest? = nil) -> ServerMessage {
  .final(Final(status: status, reason: status == .ok ? nil : "because", key: key, left: .known(left), digest: digest))
}

/// A file for the length of `body`.
func withFile<Value>(_ bytes: ByteBuffer, _ body: (String) async throws -> Value) async throws -> Value {
  let path = NSTemporaryDirectory() + "sluice-client-" + UUID().uuidString
  try Data(bytes.readableBytesView).write(to: URL(filePath: path))
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

/// The events of an upload.
final class Events: Sendable {
  private let events = Mutex<[TransferEvent]>([])
  var add: @Sendable (TransferEvent) -> Void { { event in self.events.withLock { $0.append(event) } } }
  var all: [TransferEvent] { events.withLock { $0 } }
}

/// Runs the body and returns the upload's error.
func failure(_ body: () async throws -> some Sendable) async -> UploadError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? UploadError
  }
}

/// Makes a file longer.
func append(_ count: Int, to path: String) throws {
  let file = try FileHandle(forWritingTo: URL(filePath: path))
  try file.seekToEnd()
  try file.write(contentsOf: Data(repeating: 0, count: count))
  try file.close()
}

/// A number that several may add to.
final class Counter: Sendable {
  private let count = Mutex(0)
  var value: Int { count.withLock { $0 } }
  func add(_ more: Int) { count.withLock { $0 += more } }
}

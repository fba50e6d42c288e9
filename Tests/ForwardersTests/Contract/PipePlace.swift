import DevelopmentCertificates
import Foundation
import Forwarders
import GatewayCore
import NIOCore
import NIOPosix
import XStream

/// A pipe to a backend that counts; uploads are known there by the id in their PROXY header, or the key in their open packet.
final class PipePlace: ForwarderPlace {
  let backend: TestBackend
  let pipe: PipeForwarder
  var forwarder: any Forwarder { pipe }
  private let socketPath: String?

  init(atUnixSocket: Bool = false, overTLS: Bool = false) async throws {
    socketPath = atUnixSocket ? NSTemporaryDirectory() + "s-\(UUID().uuidString)" : nil
    backend = try await TestBackend.start(
      tls: overTLS ? Certificates.serverContext() : nil, at: socketPath.map { .unix(path: $0) })
    var settings = PipeForwarder.Settings(backends: [backend.address])
    settings.header = overTLS ? .packet : .proxyV2
    if overTLS { settings.tls = .init(authorities: Certificates.ca, serverName: "localhost") }
    pipe = try PipeForwarder(settings, eventLoops: MultiThreadedEventLoopGroup.singleton)
  }

  deinit {
    let pipe = pipe
    Task { await pipe.stop() }
    if let socketPath { try? FileManager.default.removeItem(atPath: socketPath) }
  }

  func complete(_ key: UploadKey) -> [UInt8]? {
    for connection in backend.connections where connection.ending == .inOrder {
      if let body = Self.body(of: connection.bytes, key) { return body }
    }
    return nil
  }

  /// No stream survives.
  func restarted() async throws -> any ForwarderPlace { self }

  func holdsUnfinished(_ key: UploadKey) -> Bool { pipe.parkedKeys.contains(key) }

  /// What follows the header, where that says that the bytes are this upload's.
  static func body(of bytes: [UInt8], _ key: UploadKey) -> [UInt8]? {
    let marker = Array(key.logID.utf8)
    guard bytes.count >= 16, bytes.starts(with: [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A])
    else {
      var buffer = ByteBuffer(bytes: bytes)
      var parser = PacketParser()
      guard let head = try? parser.parse(&buffer), head[.streamKey] == key.text else { return nil }
      return Array(buffer.readableBytesView)
    }
    let length = 16 + Int(bytes[14]) * 256 + Int(bytes[15])
    guard bytes.count >= length, bytes[..<length].suffix(marker.count).elementsEqual(marker) else { return nil }
    return Array(bytes[length...])
  }
}

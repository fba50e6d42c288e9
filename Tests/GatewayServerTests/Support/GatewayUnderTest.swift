import Foundation
import GatewayCore
import Ledgers
import NIOCore
import Testing
import XStream
import XStreamClient

@testable import GatewayServer

/// A gateway within the test's own process.
struct GatewayUnderTest: Sendable {
  let running: RunningGateway
  let folder: GatewayFolder
  let log: CapturedLog

  var port: Int { running.address.port ?? 0 }

  /// Connections that are open.
  var connections: Int { running.connections.count }
  /// Uploads that a connection has.
  var attached: Int { running.gateway.connectedByRoute.values.reduce(0, +) }
  /// Bytes of uploads in memory.
  var bytesInMemory: Int { running.gateway.memory.bytesInUse }

  func url(_ route: String = "/upload-file") throws -> XStreamURL { try .local(port, route) }
}

/// A gateway on a free port for the length of `body`, stopped in order afterwards.
///
/// - Parameter folder: of an earlier gateway, to go on with what it left.
func withGateway<Value>(
  _ setup: GatewaySetup = GatewaySetup(), in folder: GatewayFolder? = nil, frontSet: FrontSet? = nil,
  _ body: (GatewayUnderTest) async throws -> Value
) async throws -> Value {
  let folder = try folder ?? GatewayFolder()
  let log = CapturedLog()
  let running = try await RunningGateway.start(
    setup.configuration(in: folder), logger: log.logger, frontSet: frontSet)
  do {
    let value = try await body(GatewayUnderTest(running: running, folder: folder, log: log))
    await running.stop()
    return value
  } catch {
    await running.stop()
    throw error
  }
}

extension GatewayUnderTest {
  /// The gateway must have come to rest: no connection, no byte in memory, no upload attached; and what ledger and store
  /// say must fit together, with so many unfinished uploads. Then a normal upload must work.
  func expectAtRest(
    unfinished: Int? = 0, client: UploadClient? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let isAtRest = await eventually { connections == 0 && bytesInMemory == 0 && attached == 0 }
    #expect(
      isAtRest, "\(connections) connections, \(bytesInMemory) bytes in memory, \(attached) attached",
      sourceLocation: sourceLocation)
    try folder.expectSound(unfinished: unfinished, sourceLocation: sourceLocation)
    let outcome = try await (client ?? .test()).upload(
      .bytes(pattern(10_000)), to: url(), options: .quick())
    #expect(try folder.stored(outcome.key.text) == pattern(10_000), sourceLocation: sourceLocation)
  }
}

extension GatewayFolder {
  func stored(_ key: String) throws -> ByteBuffer {
    ByteBuffer(bytes: try Data(contentsOf: URL(filePath: uploads + "/" + key)))
  }

  /// What is reserved and used of a route's quota must be what its uploads have.
  ///
  /// - Returns: the route's uploads.
  @discardableResult
  func expectSoundQuota(
    route: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> [UploadRecord] {
    let reader = try LedgerReader(path: ledger)
    let records = try reader.uploads(state: nil, route: route)
    let quota = try reader.quotas().filter { $0.route == route && $0.subject.isEmpty && $0.window == 0 }
    #expect(
      quota.reduce(0) { $0 + $1.reserved } == records.filter { $0.state == .open }.reduce(0) { $0 + $1.granted },
      "reserved", sourceLocation: sourceLocation)
    #expect(
      quota.reduce(0) { $0 + $1.used }
        == records.filter { $0.state == .done && $0.file == .there }.reduce(0) { $0 + $1.committed },
      "used", sourceLocation: sourceLocation)
    return records
  }

  /// Ledger, quota and store of the route `/upload-file` must say the same.
  func expectSound(unfinished: Int?, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let records = try expectSoundQuota(route: "/upload-file", sourceLocation: sourceLocation)
    let open = records.filter { $0.state == .open }
    let done = records.filter { $0.state == .done }
    #expect(try LedgerReader(path: ledger).violations() == [], sourceLocation: sourceLocation)
    if let unfinished { #expect(open.count == unfinished, sourceLocation: sourceLocation) }
    #expect(names(in: partial).isSubset(of: open.map(\.key.text)), "left over", sourceLocation: sourceLocation)
    #expect(names(in: uploads) == Set(done.map(\.key.text)), "stored", sourceLocation: sourceLocation)
    for record in done {
      let attributes = try FileManager.default.attributesOfItem(atPath: uploads + "/" + record.key.text)
      #expect(attributes[.size] as? Int == Int(record.committed), "size", sourceLocation: sourceLocation)
    }
  }
}

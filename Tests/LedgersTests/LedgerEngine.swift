import Foundation
import GatewayCore
import Ledgers
import NIOCore
import NIOPosix
import Testing

/// An engine of the ledger that every test of the contract runs with. A new engine is one more line in `all`.
struct LedgerEngine: Sendable, CustomTestStringConvertible {
  var testDescription: String
  /// An empty ledger for the length of a closure.
  var withLedger: @Sendable (_ body: @Sendable (any Ledger) async throws -> Void) async throws -> Void

  #if PostgreSQL
    static let all = [embedded, postgreSQL]
  #else
    static let all = [embedded]
  #endif

  static let embedded = LedgerEngine(testDescription: "embedded") { body in
    try await withTemporaryDirectory { directory in
      let ledger = try EmbeddedLedger(path: directory + "/ledger.db")
      defer { ledger.close() }
      try await body(ledger)
    }
  }
}

/// A new directory for the length of a closure. If that leaves a ledger there, its books must agree.
///
/// - Parameter isDamaged: the test itself made the ledger unsound.
func withTemporaryDirectory(
  in parent: String = FileManager.default.temporaryDirectory.path, isDamaged: Bool = false,
  _ body: (String) async throws -> Void
) async throws {
  let directory = parent + "/ledger-" + UploadKey.mint().text
  try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: directory) }
  try await body(directory)
  let ledger = directory + "/ledger.db"
  guard !isDamaged, FileManager.default.fileExists(atPath: ledger) else { return }
  #expect(try auditViolations(path: ledger) == [])
}

/// What does not agree in the ledger at `path`, whether or not a gateway has it open.
func auditViolations(path: String) throws -> [LedgerViolation] {
  try LedgerReader(path: path).violations()
}

let anyLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()

/// The calls, awaited.
extension Ledger {
  func opened(_ reservation: Reservation, on loop: any EventLoop = anyLoop) async throws -> Lease {
    try await open(reservation, on: loop).get()
  }

  func found(_ key: UploadKey) async throws -> UploadRecord? {
    try await find(key, on: anyLoop).get()
  }

  func tookOver(_ request: LeaseRequest) async throws -> Lease {
    try await takeOver(request, on: anyLoop).get()
  }

  func advanced(
    _ key: UploadKey, epoch: Int64 = 1, from: Int64, to: Int64, expiresAt: WallTime = WallTime(milliseconds: 9000),
    storeState: String? = nil, endsLease: Bool = false
  ) async throws {
    let advance = Advance(
      key: key, epoch: epoch, from: from, to: to, expiresAt: expiresAt, storeState: storeState, endsLease: endsLease)
    try await self.advance(advance, on: anyLoop).get()
  }

  func renewed(_ renewals: [LeaseRenewal]) async throws {
    try await renew(renewals, on: anyLoop).get()
  }

  func completed(
    _ key: UploadKey, epoch: Int64 = 1, size: Int64, digest: ContentDigest? = nil,
    charged: Int64? = nil, at: WallTime = WallTime(milliseconds: 7000), isProvableFromDisk: Bool = false
  ) async throws {
    let completion = Completion(
      key: key, epoch: epoch, size: size, charged: charged ?? size, digest: digest, at: at,
      isProvableFromDisk: isProvableFromDisk)
    try await complete(completion, on: anyLoop).get()
  }

  func released(_ key: UploadKey, epoch: Int64 = 1) async throws {
    try await release(key, epoch: epoch, on: anyLoop).get()
  }

  func failed(_ key: UploadKey, epoch: Int64 = 1, expiresAt: WallTime = WallTime(milliseconds: 8000)) async throws {
    try await fail(key, epoch: epoch, expiresAt: expiresAt, on: anyLoop).get()
  }

  func retracted(_ key: UploadKey, expiresAt: WallTime = WallTime(milliseconds: 8000)) async throws {
    try await retract(key, expiresAt: expiresAt, on: anyLoop).get()
  }

  func forgotten(_ key: UploadKey) async throws {
    try await forget(key, on: anyLoop).get()
  }

  func allUnfinished() async throws -> [UploadRecord] {
    try await unfinished(of: "gateway-1", on: anyLoop).get()
  }

  func allExpired(at time: WallTime) async throws -> [UploadRecord] {
    try await expired(at: time, of: "gateway-1", on: anyLoop).get()
  }

  func allQuotas() async throws -> [QuotaRecord] {
    try await quotas(on: anyLoop).get()
  }
}

extension Reservation {
  static func of(
    _ total: Int64?, key: UploadKey = .mint(), route: String = "/files", owner: String = "token:ada",
    subject: String = "token:ada",
    wanted: Int64? = nil, takesPart: Bool = false, quotas: [QuotaCap] = [.route(1000)], unfinishedLimit: Int = 1000,
    clientUnfinishedLimit: Int = .max,
    label: String? = nil, metadata: [String: String] = [:], digest: ContentDigest? = nil, storeState: String? = nil
  ) -> Reservation {
    let facts = UploadFacts(
      key: key, route: route, owner: owner, subject: subject, format: .bytes, label: label, metadata: metadata,
      digest: digest, total: total, createdAt: WallTime(milliseconds: 1000))
    return Reservation(
      facts: facts, wanted: wanted ?? total ?? 0, takesPart: takesPart, quotas: quotas,
      unfinishedLimit: unfinishedLimit, clientUnfinishedLimit: clientUnfinishedLimit, holder: "gateway-1",
      expiresAt: WallTime(milliseconds: 5000), storeState: storeState)
  }

  var key: UploadKey { facts.key }
}

extension LeaseRequest {
  static func of(
    _ key: UploadKey, wanted: Int64, quotas: [QuotaCap] = [.route(1000)], lateTotal: Int64? = nil,
    digest: ContentDigest? = nil
  ) -> LeaseRequest {
    LeaseRequest(
      key: key, holder: "gateway-2", quotas: quotas, wanted: wanted, lateTotal: lateTotal, digest: digest,
      expiresAt: WallTime(milliseconds: 6000))
  }
}

extension QuotaCap {
  static func route(_ cap: Int64) -> QuotaCap { QuotaCap(subject: "", window: 0, cap: cap) }
  static func client(_ subject: String, _ cap: Int64, window: Int64 = 0, length: Int64 = 0) -> QuotaCap {
    QuotaCap(subject: subject, window: window, cap: cap, length: length)
  }
}

extension QuotaRecord {
  static func of(
    route: String = "/files", _ subject: String, window: Int64 = 0, reserved: Int64, used: Int64, cap: Int64
  ) -> QuotaRecord {
    QuotaRecord(route: route, subject: subject, window: window, reserved: reserved, used: used, cap: cap)
  }
}

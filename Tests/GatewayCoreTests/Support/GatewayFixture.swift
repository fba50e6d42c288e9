import GatewayCore
import Logging
import NIOCore
import Synchronization

/// A calendar that a test turns.
final class TestClock: Sendable {
  private let milliseconds = Atomic<Int64>(1_000_000)

  var now: WallTime { WallTime(milliseconds: milliseconds.load(ordering: .relaxed)) }

  func advance(byMilliseconds count: Int64) {
    milliseconds.add(count, ordering: .relaxed)
  }
}

/// A gateway with one route, `/upload-file`, over a ledger and a store in memory.
struct GatewayFixture: GatewayUnderTest {
  static let path = "/upload-file"

  let ledger = TestLedger()
  let forwarder: TestForwarder
  let clock = TestClock()
  let observer = TestObserver()
  let gateway: Gateway

  init(
    window: Int = 1 << 20, memory: Int = 1 << 30, held: Int64 = 1 << 40, upload: Int64 = 1 << 30, concurrent: Int = 100,
    unfinished: Int = 100, payload: Int64 = 1 << 20, access: RouteAccess = .anyone,
    bandwidth: Int64? = nil, clientLimits: ClientLimits = ClientLimits(), onQuota: QuotaPolicy = .partial,
    formats: [DataFormat] = [.bytes], granularity: Int64 = 1, growth: ClosedRange<Int64> = GatewaySettings.growth,
    events: (any EventSource)? = nil, judge: (any OpeningJudge)? = nil, keep: Duration? = nil,
    remember: Duration = Route.remember, isNeeded: @escaping @Sendable (UploadRecord) -> Bool = { _ in false }
  ) {
    var route = Route(
      path: Self.path, formats: formats, buffer: 1024...65536,
      limits: RouteLimits(
        upload: upload, held: held, concurrent: concurrent, unfinished: unfinished, payload: payload,
        bandwidth: bandwidth),
      resumeFor: .seconds(3600), takesStreams: true, access: access, clientLimits: clientLimits,
      onQuota: onQuota, keep: keep, remember: remember)
    route.judge = judge
    let clock = clock
    forwarder = TestForwarder(granularity: granularity)
    var settings = GatewaySettings(
      window: window, memory: memory, holder: "here", growth: growth, now: { clock.now })
    settings.isNeeded = isNeeded
    gateway = Gateway(
      destinations: [(route: route, forwarder: forwarder)], ledger: ledger, settings: settings,
      observer: observer, events: events)
  }
}

/// What tests ask of a gateway with the route ``GatewayFixture/path``.
protocol GatewayUnderTest {
  var gateway: Gateway { get }
}

extension GatewayUnderTest {
  func context(
    token: String? = nil, address: String = "192.0.2.1", route: String = GatewayFixture.path
  ) -> AccessRequest {
    AccessRequest(route: route, credentials: Credentials(certificate: nil, token: token, address: address))
  }

  func request(
    total: Int64?, shape: UploadRequest.Shape = .stream, acknowledgeEvery: Int64? = nil, digest: ContentDigest? = nil,
    token: String? = nil, address: String = "192.0.2.1", format: DataFormat? = .bytes, label: String? = nil,
    metadata: [String: String] = [:], route: String = GatewayFixture.path
  ) -> UploadRequest {
    UploadRequest(
      access: context(token: token, address: address, route: route), shape: shape, format: format, total: total,
      label: label, metadata: metadata, digest: digest, transfer: .test(acknowledgeEvery: acknowledgeEvery))
  }

  /// What a front asks whose protocol carries nothing but the key, and what else is given here.
  func resumption(
    of key: UploadKey, total: Declared<Int64?> = .nothing, format: Declared<DataFormat?> = .nothing,
    offset: Int64? = nil, lateTotal: Int64? = nil, digest: ContentDigest? = nil, token: String? = nil,
    address: String = "192.0.2.1", acknowledgeEvery: Int64? = nil
  ) -> UploadResumption {
    UploadResumption(
      key: key, access: context(token: token, address: address), total: total, format: format, offset: offset,
      lateTotal: lateTotal, digest: digest, transfer: .test(acknowledgeEvery: acknowledgeEvery))
  }

  func open(_ request: UploadRequest, on loop: any EventLoop) throws -> TestFront {
    let front = TestFront()
    front.upload = try gateway.open(request, on: loop, logger: quiet) { front.heard($0) }
    return front
  }

  func resume(_ request: UploadResumption, on loop: any EventLoop) throws -> TestFront {
    let front = TestFront()
    front.upload = try gateway.resume(request, on: loop, logger: quiet) { front.heard($0) }
    return front
  }

  /// As x-stream's front does, which declares total and format each time.
  func resume(
    _ key: UploadKey, total: Int64?, acknowledgeEvery: Int64? = nil, on loop: any EventLoop
  ) throws -> TestFront {
    try resume(
      resumption(of: key, total: .value(total), format: .value(.bytes), acknowledgeEvery: acknowledgeEvery), on: loop)
  }

  private var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension TransferTerms {
  /// Checkpoints are spaced as x-stream's front spaces them.
  static func test(acknowledgeEvery: Int64? = nil) -> TransferTerms {
    TransferTerms(
      buffer: 4096, acknowledgeEvery: acknowledgeEvery,
      checkpointEvery: acknowledgeEvery.map { min(max($0, 1 << 20), 4 << 20) })
  }
}

extension RouteAccess {
  static var anyone: RouteAccess { RouteAccess(takesAnyone: true, takesCertificates: false, tokens: nil) }
}

import GatewayCore
import Logging
import NIOCore
import NIOEmbedded
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
struct GatewayFixture {
  static let path = "/upload-file"

  let ledger = TestLedger()
  let forwarder = TestForwarder()
  let clock = TestClock()
  let gateway: Gateway

  init(
    window: Int = 1 << 20, memory: Int = 1 << 30, held: Int64 = 1 << 40, upload: Int64 = 1 << 30, concurrent: Int = 100,
    unfinished: Int = 100, payload: Int64 = 1 << 20, access: RouteAccess = .anyone,
    bandwidth: Int64? = nil, clientLimits: ClientLimits = ClientLimits(), onQuota: QuotaPolicy = .partial,
    formats: [DataFormat] = [.bytes]
  ) {
    let route = Route(
      path: Self.path, formats: formats, buffer: 1024...65536,
      limits: RouteLimits(
        upload: upload, held: held, concurrent: concurrent, unfinished: unfinished, payload: payload,
        bandwidth: bandwidth),
      resumeFor: .seconds(3600), takesStreams: true, access: access, clientLimits: clientLimits,
      onQuota: onQuota)
    let clock = clock
    gateway = Gateway(
      destinations: [(route: route, forwarder: forwarder)], ledger: ledger,
      settings: GatewaySettings(window: window, memory: memory, holder: "here", now: { clock.now }))
  }

  func request(
    total: Int64?, shape: UploadRequest.Shape = .stream, acknowledgeEvery: Int64? = nil, digest: ContentDigest? = nil,
    token: String? = nil, address: String = "192.0.2.1", format: DataFormat = .bytes
  ) -> UploadRequest {
    UploadRequest(
      route: Self.path, shape: shape, format: format, total: total, buffer: 4096, label: nil, digest: digest,
      acknowledgeEvery: acknowledgeEvery,
      credentials: Credentials(certificate: nil, token: token, address: address))
  }

  func open(_ request: UploadRequest, on loop: any EventLoop) throws -> TestFront {
    let front = TestFront()
    front.upload = try gateway.open(request, on: loop, logger: quiet) { front.heard($0) }
    return front
  }

  func resume(_ key: UploadKey, _ request: UploadRequest, on loop: any EventLoop) throws -> TestFront {
    let front = TestFront()
    front.upload = try gateway.resume(key, request, on: loop, logger: quiet) { front.heard($0) }
    return front
  }

  private var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

extension RouteAccess {
  static var anyone: RouteAccess { RouteAccess(takesAnyone: true, takesCertificates: false, tokens: nil) }
}

/// Writes down what an upload says, each as one line.
final class TestFront {
  var upload: Upload?
  private(set) var said: [String] = []
  private(set) var offer: UploadOffer?
  private(set) var isPaused = false
  var onEvent: (UploadEvent) -> Void = { _ in }

  var last: String? { said.last }

  func heard(_ event: UploadEvent) {
    switch event {
    case .offered(let offer):
      self.offer = offer
      said.append("offered \(offer.offset)..<\(offer.granted)")
    case .refused(let refusal): said.append("refused \(refusal)")
    case .alreadyComplete(let account): said.append("already complete \(account.safe)")
    case .paused:
      isPaused = true
      said.append("paused")
    case .resumed:
      isPaused = false
      said.append("resumed")
    case .safe(let offset): said.append("safe \(offset)")
    case .complete(let size, _): said.append("complete \(size)")
    case .settled(let offset): said.append("settled \(offset)")
    case .failed(let failure, let safe):
      switch failure {
      case .full: said.append("failed full \(safe)")
      case .storage: said.append("failed storage \(safe)")
      case .digest: said.append("failed digest \(safe)")
      case .content: said.append("failed content \(safe)")
      case .backend: said.append("failed backend \(safe)")
      case .backendTimeout: said.append("failed backend timeout \(safe)")
      }
    case .superseded: said.append("superseded")
    }
    onEvent(event)
  }

  func write(_ count: Int) {
    upload?.write(ByteBuffer(repeating: 7, count: count))
  }
}

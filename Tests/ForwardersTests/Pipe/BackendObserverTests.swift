import Forwarders
import GatewayCore
import NIOPosix
import Synchronization
import Testing

@Suite("An observer of backends", .timeLimit(.minutes(1)))
struct BackendObserverTests {
  private final class Log: BackendObserver {
    let heard = Mutex<[(backend: BackendAddress, isOpen: Bool)]>([])

    func opened(_ backend: BackendAddress, after duration: Duration) {
      #expect(duration > .zero)
      heard.withLock { $0.append((backend, true)) }
    }

    func unreachable(_ backend: BackendAddress, after duration: Duration) {
      #expect(duration > .zero)
      heard.withLock { $0.append((backend, false)) }
    }
  }

  @Test("hears of each that is tried for an upload, and how that went")
  func hears() async throws {
    let gone = BackendAddress.unix(path: "/nonexistent/socket")
    let backend = try await TestBackend.start()
    let log = Log()
    var settings = PipeForwarder.Settings(backends: [gone, backend.address])
    settings.balance = .roundRobin
    let pipe = try PipeForwarder(settings, eventLoops: MultiThreadedEventLoopGroup.singleton, observer: log)
    let sink = try await SinkDriver.open(pipe, SinkUpload(key: .mint(), total: nil))
    try await sink.call { $0.abandon() }
    let heard = log.heard.withLock { $0 }
    #expect(heard.map(\.backend) == [gone, backend.address])
    #expect(heard.map(\.isOpen) == [false, true])
    await pipe.stop()
  }
}

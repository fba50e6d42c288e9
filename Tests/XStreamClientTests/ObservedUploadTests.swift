import HTTPUpload
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing
import XStream

@testable import XStreamClient

/// What a caller's logger and trace get of an upload.
@Suite(.timeLimit(.minutes(1)))
struct ObservedUploadTests {
  private static let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  private static let token = "a-token-that-is-secret"

  private func traceparent() throws -> TraceParent { try #require(TraceParent(Self.trace)) }

  @Test("every open packet of an upload has its traceparent, and so does a small one's")
  func traced() async throws {
    let traceparent = try traceparent()
    try await withServer([
      { peer in
        #expect(try await peer.request().context.traceparent == traceparent)
        try await peer.say(offer())
        try await peer.cut()
      },
      { peer in
        let request = try await peer.request()
        #expect(request.context.traceparent == traceparent && request.key == key)
        try await peer.say(offer(at: 0))
        _ = try await peer.bytes(10)
        try await peer.say(final())
      },
      { peer in
        #expect(try await peer.request().context.traceparent == traceparent)
        _ = try await peer.bytes(10)
        try await peer.say(final())
      },
    ]) { url in
      _ = try await client().upload(.bytes(pattern(10)), to: url, options: quick { $0.traceparent = traceparent })
      _ = try await client().send(pattern(10), to: url, traceparent: traceparent)
    }
  }

  @Test("every HTTP request of an upload has its traceparent, where there is one")
  func tracedOverHTTP() throws {
    let url = try HTTPSURL("https://host/in")
    var dialogue = UploadDialogue(UploadIntent(target: url, total: 10))
    let request = dialogue.request()
    let head = HTTPRequestHead(request, token: nil, traceparent: try traceparent())
    #expect(head.headers["traceparent"] == [Self.trace])
    #expect(HTTPRequestHead(request, token: nil).headers["traceparent"] == [])
  }

  @Test("a logger hears of tries that failed at info, of the rest at debug, and of no key and no token")
  func logged() async throws {
    let (log, traceparent) = (Lines(), try traceparent())
    let bytes = pattern(2_000_000)
    try await withServer([
      { peer in
        _ = try await peer.request()
        try await peer.say(offer())
        _ = try await peer.bytes(1_000_000)
        try await peer.cut()
      },
      { peer in
        _ = try await peer.request()
        try await peer.say(offer(at: 0))
        _ = try await peer.bytes(2_000_000)
        try await peer.say(final())
      },
    ]) { url in
      _ = try await client(token: Self.token).upload(
        .bytes(bytes), to: url,
        options: quick {
          $0.logger = log.logger
          $0.traceparent = traceparent
        })
    }
    let lines = log.lines
    #expect(lines.filter { $0.hasPrefix("info") }.count == 1)
    #expect(lines.contains { $0.hasPrefix("info upload goes on after a pause") && $0.contains("error=connection") })
    #expect(lines.contains { $0.hasPrefix("debug upload complete") && $0.contains("bytes=2000000") })
    #expect(lines.allSatisfy { $0.contains("route=/in") && $0.contains("trace=\(Self.trace)") })
    #expect(!lines.contains { $0.contains(key.text) || $0.contains(Self.token) }, "\(lines)")
  }
}

/// What a logger was told, a line each.
private final class Lines: Sendable {
  private let told = Mutex<[String]>([])
  var lines: [String] { told.withLock { $0 } }
  var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

  private struct Handler: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.trace
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let all = metadata.merging(event.metadata ?? [:]) { $1 }.map { "\($0)=\($1)" }.sorted()
      lines.told.withLock { $0.append("\(event.level) \(event.message) " + all.joined(separator: " ")) }
    }
  }
}

import Fronts
import GatewayServer
import NIOCore
import Testing

/// A front as its contract sees it: what a client of it sends, and what its answers mean. A new front is one more in `all`.
struct FrontUnderTest: Sendable, CustomTestStringConvertible {
  /// What a front says to a client.
  enum Word: Equatable, Sendable {
    case offer(key: String, offset: Int, end: Int)
    case safe(Int)
    case done
    /// What arrived is safe up to the offset, which not every protocol tells, and the upload can be resumed. `isFinal` is for
    /// an upload that somebody else has now.
    case stopped(at: Int?, isFinal: Bool)
    case cancelled
    case refused
  }

  var testDescription: String
  /// In ALPN.
  var name: String
  var open: @Sendable (_ route: String, _ total: Int) -> String
  var resume: @Sendable (_ route: String, _ key: String, _ total: Int) -> String
  var status: @Sendable (_ route: String, _ key: String, _ total: Int) -> String
  var cancel: @Sendable (_ route: String, _ key: String) -> String
  /// The next word; `nil` where the connection ends. `total` is that of the upload.
  var next: @Sendable (_ client: RawClient, _ total: Int) async -> Word?
  /// Whether a client can be offered less than all.
  var offersParts = true
  /// Whether a refused request to open an upload has its bytes all the same.
  var bytesFollowRefusals = false
  /// Whether the client of an upload that is stopped hears what is safe of it.
  var tellsWhereStopped = true

  static let all = [xStream, toy, resumableHTTP]

  static let xStream = FrontUnderTest(
    testDescription: "x-stream", name: "x-stream/1",
    open: { packet(route: $0, "x-stream: \($1):65536\n    x-stream-ack: 1\n    data-format: bytes") },
    resume: {
      packet(
        route: $0, "x-stream: \($2):65536\n    x-stream-ack: 1\n    data-format: bytes\n    x-stream-key: \($1)")
    },
    status: { packet(route: $0, "x-stream: \($2):0\n    x-stream-key: \($1)") },
    cancel: { packet(route: $0, "x-stream: -1\n    x-stream-key: \($1)") },
    next: { client, total in
      guard let packet = await client.packet() else { return nil }
      let offset = packet["x-stream-offset"].flatMap { Int($0) } ?? 0
      guard let terms = packet["x-stream"]?.split(separator: ":").first.flatMap({ Int($0) }) else {
        return .safe(offset)
      }
      switch packet["status"] {
      case "0": return terms < 0 ? .cancelled : .done
      case nil:
        return .offer(key: packet["x-stream-key"] ?? "", offset: offset, end: terms == 0 ? total : offset + terms)
      case "9", "14", "15": return .stopped(at: total - terms, isFinal: false)
      case "10" where terms >= 0: return .stopped(at: total - terms, isFinal: true)
      default: return .refused
      }
    })

  static let toy = FrontUnderTest(
    testDescription: "toy", name: ToyFront.name, open: { "open \($0) \($1)\n" },
    resume: { r, k, _ in "resume \(r) \(k)\n" },
    status: { r, k, _ in "status \(r) \(k)\n" }, cancel: { "cancel \($0) \($1)\n" },
    next: { client, _ in
      guard let words = await client.line()?.split(separator: " ") else { return nil }
      let last = words.last.flatMap { Int($0) } ?? 0
      switch words[0] {
      case "offer": return .offer(key: String(words[1]), offset: Int(words[2]) ?? 0, end: last)
      case "safe": return .safe(last)
      case "done": return .done
      case "at", "stopped": return .stopped(at: last, isFinal: words[1] == "superseded")
      case "cancelled": return .cancelled
      default: return .refused
      }
    })

  private static func packet(route: String, _ headers: String) -> String {
    "headers:\n    route: \(route)\n    \(headers)\npayload: -\n"
  }

  /// The next word that is no ``Word/safe(_:)``, and the last of those before it.
  func answer(_ client: RawClient, total: Int) async -> (word: Word?, safe: Int?) {
    var safe: Int?
    while let word = await next(client, total) {
      guard case .safe(let offset) = word else { return (word, safe) }
      safe = offset
    }
    return (nil, safe)
  }
}

extension FrontSet {
  /// The product's fronts, and the toy beside them on one port.
  static let every = FrontSet(
    applicationProtocols: [XStreamFront.applicationProtocol] + HTTPFront.applicationProtocols + [ToyFront.name]
  ) {
    [
      XStreamFront(gateway: $0, timeouts: $1, logger: $2),
      HTTPFront(gateway: $0, settings: HTTPSettings(), timeouts: $1, logger: $2),
      ToyFront(gateway: $0, timeouts: $1, logger: $2),
    ]
  }
}

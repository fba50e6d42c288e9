import FoundationEssentials

/// How a gateway stands at a moment, as its admin listener tells it at `/api/state` (docs/metrics.md). Sizes are in bytes,
/// moments in milliseconds since 1970.
struct LiveReport: Decodable {
  struct Upload: Decodable {
    var upload: String
    var route: String
    var client: String
    var at: Int64
    var total: Int64?
    var rate: Int64
    var since: Int64
    var file: String?
  }

  struct Route: Decodable {
    struct Backend: Decodable {
      var address: String
      var up: Bool
      var uploads: Int
    }

    var path: String
    var cap: Int64
    var used: Int64
    var reserved: Int64
    var open: Int?
    var received: Int64?
    var complete: Int64?
    var free: Int64?
    var backends: [Backend]?
  }

  struct Refused: Decodable {
    var at: Int64
    var route: String
    var client: String
    var reason: String
  }

  var version: String
  var name: String
  var now: Int64
  var started: Int64
  var draining: Bool
  var connections: Int
  var connectionLimit: Int
  var memory: Int64
  var memoryLimit: Int64
  var uploads: [Upload]
  var routes: [Route]
  var refusals: [Refused]

  /// - Throws: `CommandFailure` where it is not what a gateway of this release says.
  init(json: String) throws {
    do {
      self = try JSONDecoder().decode(LiveReport.self, from: Data(json.utf8))
    } catch {
      throw CommandFailure("the gateway's answer is not of this release: use its own sluice")
    }
  }
}

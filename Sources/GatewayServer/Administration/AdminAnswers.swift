import GatewayCore
import Glibc
import Logging
import Metrics
import NIOCore
import NIOHTTP1
import NIOPosix

/// What the admin listener answers, by path.
struct AdminAnswers: Sendable {
  /// What a page of ours says of each request that changes something. No page of another origin can say it without asking
  /// first, and nobody answers that.
  static let ownField = "x-sluice-operator"

  let gateway: RunningGateway
  let access: AdminAccess

  func answer(_ request: AdminRequest) async -> AdminAnswer {
    switch access.judge(request, at: .now()) {
    case .allowed: break
    case .foreignHost: return .text(.misdirectedRequest, "ask for this host by its address, or as localhost")
    case .unknown:
      var answer = AdminAnswer.text(.unauthorized, "a token of this gateway's operators is wanted")
      answer.fields.append(("WWW-Authenticate", "Basic realm=\"sluice\""))
      return answer
    }
    switch request.method {
    case .GET, .HEAD: return await look(request.path)
    case .POST:
      guard request.fields.contains(name: Self.ownField) else {
        return .text(.forbidden, "what changes something has the field \(Self.ownField)")
      }
      return await change(request.path)
    default:
      var answer = AdminAnswer.text(.methodNotAllowed, "this is only answered to GET and POST")
      answer.fields.append(("Allow", "GET, HEAD, POST"))
      return answer
    }
  }

  private func look(_ path: String) async -> AdminAnswer {
    switch path {
    case "/":
      return AdminAnswer(status: .ok, type: "text/html; charset=utf-8", body: LivePage.html, fields: LivePage.fields)
    case "/metrics": return await read(Exposition.contentType) { $0.exposition() }
    case "/api/state": return await read("application/json") { $0.liveState() }
    case "/livez": return health(await gateway.faultsOfLife())
    case "/readyz": return health(await gateway.faultsOfReadiness())
    default: return .text(.notFound, "here are /, /metrics, /livez, /readyz and /api/state")
    }
  }

  /// What takes disks and the ledger to say is asked on a thread that may wait.
  private func read(_ type: String, _ text: @escaping @Sendable (RunningGateway) -> String) async -> AdminAnswer {
    guard let body = try? await NIOThreadPool.singleton.runIfActive({ text(gateway) }) else {
      return .text(.serviceUnavailable, "the gateway is stopping")
    }
    return AdminAnswer(status: .ok, type: type, body: body)
  }

  private func change(_ path: String) async -> AdminAnswer {
    if path == "/api/drain" {
      gateway.logger.notice("An operator asks the gateway to stop")
      // As `systemctl stop` does: what is open is made safe, and its clients are told to resume.
      kill(getpid(), SIGTERM)
      return .text(.accepted, "the gateway finishes what is open, and stops")
    }
    let parts = path.split(separator: "/")
    guard parts.count == 4, parts[0] == "api", parts[1] == "uploads", parts[3] == "drop" else {
      return .text(.notFound, "what can be changed is /api/drain and /api/uploads/UPLOAD/drop")
    }
    do {
      let facts = try await gateway.gateway.drop(labelled: String(parts[2]), on: gateway.eventLoops.next()).get()
      gateway.logger.notice(
        "An operator drops an upload", metadata: ["upload": "\(facts.key.logID)", "route": "\(facts.route)"])
      return .text(.ok, "dropped")
    } catch Refusal.unknownUpload {
      return .text(.notFound, "there is no unfinished upload of that name")
    } catch {
      return .text(.serviceUnavailable, (error as? Refusal)?.logDescription ?? "\(error)")
    }
  }

  private func health(_ faults: [String]) -> AdminAnswer {
    faults.isEmpty ? .text(.ok, "ok") : .text(.serviceUnavailable, faults.joined(separator: "\n"))
  }
}

import CLinux
import Dispatch
import GatewayCore
import Glibc
import Logging
import NIOCore
import NIOPosix
import OperatingSystem

/// Waits for a process that wants to take over from this gateway, and hands over to it: sockets, ledger and stores. What is under
/// way here goes on to its end.
package final class OutgoingHandOver: Sendable {
  private let gateway: RunningGateway
  private let logger: Logger
  private let socket: CInt
  private let state: String
  private let outcomes: AsyncStream<Bool>.Continuation

  /// What becomes of the gateway: `true` when another process accepts its clients, `false` when one took over and died before
  /// that. Nothing while none does.
  let outcome: AsyncStream<Bool>

  /// - Returns: `nil` where the state folder can have no socket, or the ledger is shared by several gateways.
  init?(_ gateway: RunningGateway, logger: Logger) {
    // With a ledger that gateways share there are others to go on at, and this one's leases are its own.
    guard gateway.gateway.lease == nil else { return nil }
    state = gateway.configuration.state
    guard let socket = HandOverPlace.listen(in: state) else {
      logger.warning("Gateway cannot be taken over: its state folder takes no socket", metadata: ["folder": "\(state)"])
      return nil
    }
    self.gateway = gateway
    self.logger = logger
    self.socket = socket
    (outcome, outcomes) = AsyncStream.makeStream(of: Bool.self)
  }

  /// Begins to wait, on a thread of its own.
  func start() {
    DetachedThread.run { [self] in
      while true {
        let accepted = accept(socket, nil, nil)
        if accepted < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          break
        }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        let line = HandOverLine(socket: accepted)
        // The folder is the gateway's alone; root may come too.
        guard [Int64(geteuid()), 0].contains(sluice_peer_user(accepted)) else { continue }
        if converse(line) { break }
      }
      outcomes.finish()
    }
  }

  /// Nobody can take over any more.
  func stop(keepsName: Bool) {
    if !keepsName { HandOverPlace.remove(in: state) }
    shutdown(socket, CInt(SHUT_RDWR))
  }

  /// - Returns: whether the ledger was handed over.
  private func converse(_ line: HandOverLine) -> Bool {
    guard case .hello(HandOverMessage.version)? = line.hear() else {
      logger.warning("Nobody takes over: another release, or no gateway, has asked for it")
      return false
    }
    let sockets = gateway.passableSockets()
    line.say(.listeners(sockets.map { HandedListener(place: $0.place, sockets: $0.descriptors.count) }))
    line.pass(sockets.flatMap(\.descriptors))
    guard case .prepared? = line.hear() else {
      logger.notice("Nobody takes over: the new process has given up before it began")
      return false
    }
    logger.notice("Gateway hands over to another process")
    let ledger = LedgerOverLine(line)
    let open = gateway.handOver(to: ledger)
    line.say(.released(stillOpen: Array(open)))
    ledger.begin()
    var isTaken = false
    while let message = line.hear() {
      switch message {
      case .listening:
        isTaken = true
        logger.notice("Another process has taken over", metadata: ["uploads": "\(open.count)"])
        outcomes.yield(true)
      case .answer(let id, let reply): ledger.answered(id, reply)
      case .letGo(let key):
        gateway.gateway.letGo(of: key, on: gateway.eventLoops.next()).whenSuccess { line.say(.hasLetGo(key)) }
      case .hello, .listeners, .prepared, .released, .question, .hasLetGo: break
      }
    }
    ledger.end()
    if !isTaken {
      logger.critical(
        "The process that took over is gone before it began: this one has given away its ledger, and ends")
      outcomes.yield(false)
    }
    return true
  }
}

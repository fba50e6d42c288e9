package import NIOCore
import Synchronization

/// A round through all complete uploads that looks for files that are gone: what nobody heard of, because it happened while the
/// gateway was down, or where the system tells nothing. A batch at a time, so that nobody has to wait for it.
package final class DepartureRound: Sendable {
  private struct Place {
    /// Routes that are still to be looked at, the current one last.
    var routes: [String]
    var after: CompleteUploads.Mark?
  }

  private let gateway: Gateway
  private let batch: Int
  private let place = Mutex<Place?>(nil)

  /// - Parameter batch: how many uploads are looked at in one step.
  package init(_ gateway: Gateway, batch: Int = Gateway.departureBatch) {
    self.gateway = gateway
    self.batch = batch
  }

  /// Begins a round, unless one is under way.
  package func begin() {
    let routes = gateway.runtimes.values.filter(\.traits.holdsFiles).map(\.route.path)
    place.withLock { $0 = $0 ?? Place(routes: routes) }
  }

  /// Whether a round is under way.
  package var isUnderWay: Bool { place.withLock { $0 != nil } }

  /// Looks at the next uploads. One call at a time.
  ///
  /// - Returns: those whose files are gone.
  /// - Throws: a failure of ledger or store; a store that cannot be looked at is left to the next round.
  package func step(on eventLoop: any EventLoop) async throws -> [UploadKey] {
    guard let place = place.withLock({ $0 }) else { return [] }
    guard let route = place.routes.last, let runtime = gateway.runtimes[route] else {
      goOn(to: nil, of: place)
      return []
    }
    do {
      let records = try await gateway.ledger.complete(
        CompleteUploads(route: route, file: .there, after: place.after, limit: batch), on: eventLoop
      ).get()
      let gone = try await gateway.noteDeparted(among: records, runtime, on: eventLoop)
      goOn(to: records.count == batch ? records.last.flatMap(CompleteUploads.Mark.init) : nil, of: place)
      return gone
    } catch {
      goOn(to: nil, of: place)
      throw error
    }
  }

  /// - Parameter mark: where to go on in this route; `nil` goes on with the next.
  private func goOn(to mark: CompleteUploads.Mark?, of place: Place) {
    var next = place
    next.after = mark
    if mark == nil { _ = next.routes.popLast() }
    self.place.withLock { $0 = next.routes.isEmpty ? nil : next }
  }
}

internal import Dispatch
internal import Synchronization

/// Pieces of work that are done at the same time, by the store thread that has them and by others that are free.
///
/// The thread that has them does pieces itself, and waits only for such as others have begun: so it cannot wait for a
/// thread that waits for it, however many threads there are.
final class ParallelWork<Piece: Sendable>: Sendable {
  private let pieces: [Piece]
  private let body: @Sendable (Piece) -> Void
  private let next = Atomic<Int>(0)
  private let unfinished = DispatchGroup()

  private init(_ pieces: [Piece], _ body: @escaping @Sendable (Piece) -> Void) {
    self.pieces = pieces
    self.body = body
    for _ in pieces { unfinished.enter() }
  }

  /// Does `body` once with each of `pieces`, on this thread and up to `helpers` others, and returns when all is done.
  static func run(
    _ pieces: [Piece], helpers: Int, threads: StoreThreads, _ body: @escaping @Sendable (Piece) -> Void
  ) {
    if pieces.count <= 1 { return pieces.forEach(body) }
    let work = ParallelWork(pieces, body)
    for _ in 0..<min(helpers, pieces.count - 1) { threads.help { work.takePart() } }
    work.takePart()
    work.unfinished.wait()
  }

  private func takePart() {
    while true {
      let index = next.add(1, ordering: .relaxed).oldValue
      guard index < pieces.count else { return }
      body(pieces[index])
      // Orders what the piece left behind before the end of the wait.
      unfinished.leave()
    }
  }
}

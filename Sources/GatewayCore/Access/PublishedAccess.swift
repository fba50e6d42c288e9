import Synchronization

/// Who may upload where, as of now. A reload replaces all of it in one step.
///
/// Each request is judged by what was published last, and so is each upload under way at its next bytes: a right that was
/// taken away ends there, what is safe stays so.
package final class PublishedAccess: Sendable {
  private let rules: Mutex<[String: RouteAccess]>
  private let editions = Atomic<Int>(0)

  /// - Parameter rules: of each route, by its path.
  package init(_ rules: [String: RouteAccess]) {
    self.rules = Mutex(rules)
  }

  /// Another one whenever something was published. It is read for each portion of an upload, without a lock.
  var edition: Int { editions.load(ordering: .acquiring) }

  func access(to route: String) -> RouteAccess? { rules.withLock { $0[route] } }

  /// From now on these rules are judged by. A route that has none here takes nobody. Any thread may call this.
  package func publish(_ rules: [String: RouteAccess]) {
    self.rules.withLock { $0 = rules }
    noteChange()
  }

  /// What vouches for certificates was changed elsewhere: they are judged again.
  package func noteChange() {
    editions.add(1, ordering: .releasing)
  }
}

internal import GatewayCore
internal import Glibc
internal import Synchronization

/// A store's folders, held against what their paths name.
///
/// A folder that is held open takes bytes also when it was moved, removed or covered by a mount; only that nobody finds
/// them there after a restart. So no space is reserved and nothing is called safe or complete while the two differ.
final class StorePlace: Sendable {
  private struct State {
    var directory: StoreDirectory
    /// Whether the path named another folder at the last look.
    var isAway = false
    /// When that look was.
    var looked = ContinuousClock.now
  }

  /// How long a reservation of space may rely on the last look.
  private static let freshness = Duration.milliseconds(100)

  private let settings: DirectoryStore.Settings
  private let state: Mutex<State>
  /// What the ledger knows the store by.
  private let mark = Mutex<StoreMark?>(nil)
  private let onPresence: @Sendable (StorePresence) -> Void

  init(
    _ settings: DirectoryStore.Settings, onPresence: @escaping @Sendable (StorePresence) -> Void
  ) throws(SinkFailure) {
    self.settings = settings
    self.onPresence = onPresence
    state = Mutex(State(directory: try StoreDirectory(path: settings.directory, isShared: settings.isShared)))
  }

  /// The folders that uploads begin in.
  var directory: StoreDirectory { state.withLock { $0.directory } }

  /// What the store is to be known by, should its path name another folder one day.
  func set(_ mark: StoreMark) {
    self.mark.withLock { $0 = mark }
  }

  /// Whether the folders were in their place a moment ago. Does not block.
  var wasThereJustNow: Bool {
    state.withLock { !$0.isAway && .now - $0.looked < Self.freshness }
  }

  /// Throws where these folders are not what their paths name. Blocks.
  func check(_ directory: StoreDirectory) throws(SinkFailure) {
    let isThere = directory.isAtItsPath
    let (isCurrent, wasAway) = state.withLock { state in
      guard state.directory === directory else { return (false, false) }
      defer { (state.isAway, state.looked) = (!isThere, .now) }
      return (true, state.isAway)
    }
    if isThere {
      if wasAway { onPresence(.back) }
      return
    }
    let reason = absence
    if isCurrent, !wasAway { onPresence(.away(reason)) }
    throw .storage(reason)
  }

  /// The same for whatever begins now. Where the path names another folder that has the store's own mark, as after a disk
  /// was mounted anew, it is the store from now on. Blocks.
  func checkForNew() throws(SinkFailure) {
    let directory = directory
    do throws(SinkFailure) {
      try check(directory)
    } catch {
      guard try takeOver(from: directory) else { throw error }
    }
  }

  private func takeOver(from old: StoreDirectory) throws(SinkFailure) -> Bool {
    guard let mark = mark.withLock({ $0 }), let look = try? settings.look(), look.mark?.id == mark.id,
      look.mark?.ledger == mark.ledger,
      let new = try? StoreDirectory(path: settings.directory, isShared: settings.isShared)
    else { return false }
    let isTaken = state.withLock { state in
      guard state.directory === old else { return false }
      state = State(directory: new)
      return true
    }
    if isTaken { onPresence(.back) }
    return true
  }

  /// What is wrong with the path, for the operator.
  private var absence: String {
    guard let look = try? settings.look(), look.isStore || FolderIdentity(at: settings.directory) != nil else {
      return "the store \(settings.directory) is not there any more: put it back, or mount its disk, and it goes on"
    }
    return "the store \(settings.directory) is another folder than the one that the gateway began with: put that one "
      + "back, or say that this is the store now: sluice store adopt"
  }
}

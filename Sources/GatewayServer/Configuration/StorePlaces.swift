import ConfigurationReading
import Forwarders

/// Keeps stores out of each other's way. A store removes what it does not know from its folder when it recovers, so
/// nothing else may lie in there.
enum StorePlaces {
  /// A file or folder that no store may contain.
  struct Neighbour {
    /// What messages call it.
    var name: String
    var path: String
  }

  /// Notes each store of which another gateway over the same ledger would know nothing.
  static func checkAreShared(_ routes: [RouteReading.Outcome], reading: Reading) {
    for route in routes {
      guard case .directory(let settings) = route.entry.destination, !settings.isShared, let folder = route.folder
      else {
        continue
      }
      reading.note(
        "`\(route.path)` stores into a folder of this machine, and other gateways over the same ledger would not find its uploads",
        hint: "write `shared: true` beside `directory` if it is on a file system that all of them have",
        at: folder.place)
    }
  }

  /// Notes each store that contains another, or one of `neighbours`.
  static func check(_ routes: [RouteReading.Outcome], apart neighbours: [Neighbour], reading: Reading) {
    let stores = routes.compactMap { route in
      route.folder.map {
        (
          route: route, setting: $0, folder: FilePlace.canonical($0.value), identity: FilePlace.identity($0.value)
        )
      }
    }
    for (index, store) in stores.enumerated() {
      for (otherIndex, other) in stores.enumerated() where otherIndex != index {
        // A folder that is mounted twice has two names that are both its own.
        if store.folder == other.folder || (store.identity != nil && store.identity == other.identity) {
          // Said once, at the later of the two.
          guard otherIndex < index else { continue }
          reading.note(
            "`\(store.route.path)` would store into the folder of `\(other.route.path)` (line \(other.setting.place.line))",
            hint: "give each route a folder of its own", at: store.setting.place)
        } else if FilePlace.contains(store.folder, other.folder) {
          reading.note(
            "the folder of `\(store.route.path)` contains that of `\(other.route.path)` (line \(other.setting.place.line))",
            hint: "put them beside each other, not one into the other", at: store.setting.place)
        }
      }
      for neighbour in neighbours + store.route.files
      where FilePlace.contains(store.folder, FilePlace.canonical(neighbour.path)) {
        reading.note(
          "the folder of `\(store.route.path)` contains \(neighbour.name)",
          hint: "name a folder that holds nothing but this route's uploads", at: store.setting.place)
      }
    }
  }
}

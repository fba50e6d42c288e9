import GatewayCore

/// What an engine is asked for a list of uploads: in its order, from its beginning or behind an upload.
struct UploadListQuery {
  /// What a parameter is.
  enum Value {
    case text(String)
    case number(Int64)
  }

  /// Of the upload that a list goes on behind.
  struct Place {
    var route: String
    var createdAt: Int64
    var key: UploadKey
  }

  /// How engines differ.
  enum Dialect {
    /// It is told which index to use: it may think that it knows better, and sorts millions then.
    case sqlite
    /// The server knows which index to use. Texts have an order there that is not that of their bytes.
    case postgreSQL
  }

  /// Its parameters are `$1`, `$2`, ... in the order of their first use.
  let sql: String
  let values: [Value]

  /// `nil` where nothing can be behind `place`.
  ///
  /// - Parameter limit: at most so many; `nil` for all.
  init?(_ list: UploadList, after place: Place?, in dialect: Dialect, limit: Int? = nil) {
    if let route = list.route, let place, place.route != route { return nil }
    var terms: [String] = []
    var values: [Value] = []
    func parameter(_ value: Value) -> String {
      values.append(value)
      return "$\(values.count)"
    }
    let isOfFew = list.state ?? .done != .done
    // The words by which an engine sees that the index of what is not complete will do.
    if isOfFew { terms.append("state <> 'done'") }
    if let state = list.state { terms.append("state = \(parameter(.text(state.rawValue)))") }
    if let route = list.route { terms.append("route = \(parameter(.text(route)))") }
    let hasPrefix = !list.keyPrefix.isEmpty
    if hasPrefix {
      let key = dialect == .sqlite ? "key" : "key COLLATE \"C\""
      terms.append("\(key) >= \(parameter(.text(list.keyPrefix)))")
      // No character of a key is behind `~`.
      terms.append("\(key) < \(parameter(.text(list.keyPrefix + "~")))")
    }
    if let place {
      let ofRoute = list.route == nil ? parameter(.text(place.route)) : nil
      let (moment, key) = (parameter(.number(place.createdAt)), parameter(.text(place.key.text)))
      terms.append(
        ofRoute.map { "(route, created_at, key) > (\($0), \(moment), \(key))" }
          ?? "(created_at, key) > (\(moment), \(key))")
    }
    let isHinted = dialect == .sqlite
    let index = isHinted && !hasPrefix ? " INDEXED BY " + (isOfFew ? "upload_unfinished" : "upload_age") : ""
    let condition = terms.isEmpty ? "" : " WHERE " + terms.joined(separator: " AND ")
    // The few of one prefix are found by their keys, and sorted then.
    let order = " ORDER BY \(isHinted && hasPrefix ? "+" : "")route, created_at, key"
    sql = UploadColumn.selection + index + condition + order + (limit.map { " LIMIT \($0)" } ?? "")
    self.values = values
  }
}

/// Columns that line up: the first ones to the left, those of numbers to the right, where `-` is no
/// number that is known.
struct TextTable {
  private var rows: [[String]]

  init(_ header: String...) {
    rows = [header]
  }

  mutating func append(_ row: String...) {
    rows.append(row)
  }

  func lines() -> [String] {
    let columns = rows[0].count
    let widths = (0..<columns).map { column in rows.map { $0[column].columns }.max() ?? 0 }
    let isNumeric = (0..<columns).map { column in
      let cells = rows.dropFirst().map { $0[column] }
      return cells.contains { $0 != "-" } && cells.allSatisfy { $0 == "-" || $0.first?.isNumber ?? false }
    }
    return rows.map { row in
      let cells = (0..<columns).map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].columns)
        return isNumeric[column] ? padding + row[column] : row[column] + padding
      }
      let line = cells.joined(separator: "  ")
      return String(line[...(line.lastIndex { $0 != " " } ?? line.startIndex)])
    }
  }
}

/// Guesses what was meant by a word that is not known.
package enum Suggestion {
  /// The nearest of `words`, or `nil` where none is near enough to be meant.
  package static func nearest(to word: String, among words: [String]) -> String? {
    let folded = fold(word)
    // A third of the letters may be wrong, but a short word must not turn into quite another one.
    let allowed = max(1, folded.count / 3)
    return words.map { (word: $0, distance: distance(folded, fold($0))) }
      .filter { $0.distance <= allowed && $0.distance < $0.word.count }
      .min { $0.distance < $1.distance }?.word
  }

  private static func fold(_ word: String) -> [Unicode.Scalar] {
    word.lowercased().unicodeScalars.map { $0 == "_" ? "-" : $0 }
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
  private static func distance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (row, letter) in left.enumerated() {
      var current = [row + 1]
      for (column, other) in right.enumerated() {
        var best = min(previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1))
        if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
          best = min(best, beforePrevious[column - 1] + 1)
        }
        current.append(best)
      }
      beforePrevious = previous
      previous = current
    }
    return previous[right.count]
  }
}

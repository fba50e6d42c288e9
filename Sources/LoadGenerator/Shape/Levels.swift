/// The level of a run over time: uploads a second, or clients. Times are in seconds since the run began.
struct Levels: Sendable {
  private struct Part {
    var begin: Double
    var from: Double
    var to: Double
    /// Infinite for a stage without an end.
    var time: Double
    /// The sum of the level over time when it begins.
    var sum: Double

    func level(_ time: Double) -> Double {
      self.time.isFinite ? from + (to - from) * time / self.time : from
    }

    func sum(_ time: Double) -> Double {
      self.time.isFinite ? from * time + (to - from) / self.time * time * time / 2 : from * time
    }
  }

  private let parts: [Part]
  /// When the last stage ends; infinite if it does not.
  let end: Double

  init(_ stages: [Scenario.Stage]) {
    var parts: [Part] = []
    var (begin, sum) = (0.0, 0.0)
    for stage in stages {
      let part = Part(begin: begin, from: stage.from, to: stage.to, time: stage.time?.seconds ?? .infinity, sum: sum)
      parts.append(part)
      begin += part.time
      sum += part.time.isFinite ? part.sum(part.time) : 0
    }
    self.parts = parts
    end = begin
  }

  /// The highest level.
  var most: Double { parts.reduce(0) { max($0, $1.from, $1.to) } }

  /// The level at a time; 0 after the end.
  func level(at time: Double) -> Double {
    guard time < end, let part = parts.last(where: { $0.begin <= time }) else { return 0 }
    return part.level(time - part.begin)
  }

  /// When the sum of the level over time has become so much: the moment of the upload with that number. Nil after the
  /// end.
  func time(ofSum sum: Double) -> Double? {
    for part in parts where !part.time.isFinite || sum < part.sum + part.sum(part.time) {
      let rest = max(0, sum - part.sum)
      let slope = part.time.isFinite ? (part.to - part.from) / part.time : 0
      if slope == 0 { return part.from > 0 ? part.begin + rest / part.from : nil }
      // from·t + slope·t²/2 = rest, in the form that is stable for a small slope.
      let root = (part.from * part.from + 2 * slope * rest).squareRoot()
      return rest > 0 ? part.begin + 2 * rest / (part.from + root) : part.begin
    }
    return nil
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

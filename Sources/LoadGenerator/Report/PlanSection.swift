/// The plan as the run had it, and the generator itself.
enum PlanSection {
  static func parts(_ report: LoadReport) -> [Markup] {
    let (shape, generator) = (report.shape, report.generator)
    var plan: [(String, Markup)] = [
      ("targets", lines(shape.targets)), ("loop", Markup(text: loop(shape))),
      ("stages", lines(shape.stages.map { stage($0, shape.loop) })), ("uploads", lines(shape.uploads)),
      ("connection", Markup(text: shape.connection)),
    ]
    if let count = shape.count { plan.append(("most uploads", "\(count)")) }
    if !shape.faults.isEmpty {
      let faults = shape.faults.sorted { $0.key < $1.key }
      plan.append(("faults", lines(faults.map { "\($0.key) \(FigureText.digits($0.value * 100)) %" })))
    }
    plan.append(("seed", Markup(text: "\(shape.seed)")))
    let load = "\(FigureText.digits(generator.load * 100)) % of \(generator.threads) thread"
    var own: [(String, Markup)] = [
      ("processor time", Markup(text: processorTime(generator))),
      ("busy", Markup(text: load + (generator.threads == 1 ? "" : "s"))),
      ("memory at most", Markup(text: FigureText.size(Double(generator.peakMemory)))),
      ("sent in all", Markup(text: FigureText.size(Double(report.totals.sentBytes)))),
      ("resumed handshakes", "\(report.totals.resumedHandshakes) of \(report.totals.connections)"),
    ]
    if let slip = generator.slip, slip.count > 0 {
      own.append(("begun late by", Markup(text: "p99 \(FigureText.time(slip.p99)), max \(FigureText.time(slip.max))")))
    }
    return [PageTable.definitions(plan), "<h3>The generator</h3>\n", PageTable.definitions(own)]
  }

  private static func lines(_ texts: [String]) -> Markup {
    Markup(texts.enumerated().map { $0.offset == 0 ? "\($0.element)" : "<br/>\($0.element)" })
  }

  private static func loop(_ shape: LoadReport.Shape) -> String {
    switch shape.loop {
    case .open: "open, arrivals \(shape.arrivals == .poisson ? "as of many people (Poisson)" : "even")"
    case .closed: "closed"
    }
  }

  private static func stage(_ stage: LoadReport.Shape.Stage, _ loop: Scenario.Loop) -> String {
    let from = FigureText.digits(stage.from)
    let level = stage.from == stage.to ? from : "\(from) to \(FigureText.digits(stage.to))"
    let unit = loop == .open ? "uploads a second" : stage.to == 1 && stage.from == 1 ? "client" : "clients"
    return "\(level) \(unit), " + (stage.seconds.map { "\(FigureText.digits($0)) s" } ?? "until the count is reached")
  }

  private static func processorTime(_ generator: LoadReport.Generator) -> String {
    let user = "\(FigureText.digits(generator.userSeconds)) s, and \(FigureText.digits(generator.systemSeconds)) s"
    return user + " in the kernel" + (generator.cpuSecondsPerGiB.map { "; \(FigureText.digits($0)) s for a GiB" } ?? "")
  }
}

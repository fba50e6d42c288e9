import XStream
import XStreamClient

/// Shows one upload: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.
struct SendDisplay {
  enum Style { case bar, lines, none }

  /// Lines about progress come no more often.
  private static let lineInterval = Duration.seconds(10)
  private static let barInterval = Duration.milliseconds(100)

  private let style: Style
  private let name: String
  private let clock = ContinuousClock()
  private let began: ContinuousClock.Instant
  private var bar: ProgressBar
  private var lastShown: Duration?
  private var isDrawn = false
  private(set) var safe: Int64 = 0

  init(name: String, style: Style) {
    self.name = Console.clean(name)
    self.style = style
    began = clock.now
    bar = ProgressBar(name: self.name)
  }

  var elapsed: Duration { clock.now - began }

  mutating func show(_ event: TransferEvent) {
    switch event {
    case .hashing(let done, let total):
      draw("\(name): computing the digest, \(total == 0 ? 100 : done * 100 / total)%")
    case .checking(let done, let total):
      draw("\(name): reading again what was sent before, \(total == 0 ? 100 : done * 100 / total)%")
    case .connecting(let attempt):
      if attempt > 1 { draw("\(name): connecting again") }
    case .offered(let offer):
      bar.pause()
      if offer.offset > 0 { say("\(name): going on from \(ByteCount.text(offer.offset))") }
    case .progress(let progress):
      safe = max(safe, progress.safe)
      let isLast = progress.sent == progress.total
      bar.update(sent: progress.sent, at: elapsed)
      draw(isLast: isLast) { $0.line(sent: progress.sent, total: progress.total, width: $1) }
    case .restarting(let reason):
      safe = 0
      switch reason {
      case .unknown: say("\(name): the server does not have the earlier upload any more; beginning anew")
      case .changed: say("\(name): the file is not what was sent before; beginning anew")
      case .gone: say("\(name): the server can never complete the upload that was begun; beginning anew")
      }
    case .cannotBeResumed:
      say(
        "\(name): the server speaks no resumable uploads: all goes in one request, and begins anew after a lost "
          + "connection")
    case .waiting(let pause):
      // What a service behind the server took before it broke off is lost.
      if pause.error.status == .backend || pause.error.status == .gone { safe = 0 }
      bar.pause()
      if pause.delay >= .seconds(1) || style == .lines {
        say("\(name): \(pause.error) Next try in \(TimeSpan.sentence(pause.delay)).")
      }
    }
  }

  /// A line that stays.
  mutating func say(_ line: String) {
    clear()
    if style != .none { Console.error(line) }
  }

  /// Takes the bar away.
  mutating func clear() {
    guard isDrawn else { return }
    Console.draw("")
    isDrawn = false
  }

  private mutating func draw(_ line: String) {
    guard style == .bar else { return }
    draw(isLast: false) { _, width in ProgressBar.cut(line, to: width) }
  }

  private mutating func draw(isLast: Bool, _ line: (ProgressBar, Int) -> String) {
    let now = elapsed
    let interval = style == .bar ? Self.barInterval : Self.lineInterval
    // The first line elsewhere than on a terminal would say nothing yet.
    if lastShown == nil, style == .lines { lastShown = now }
    if let lastShown, now - lastShown < interval, !(isLast && style == .bar) { return }
    lastShown = now
    switch style {
    case .none: return
    case .lines: Console.error(line(bar, 200))
    case .bar:
      // The last column would wrap on some terminals.
      Console.draw(line(bar, Console.width - 1))
      isDrawn = true
    }
  }
}

import NIOCore
import NIOPosix

/// A run under way, or over.
package struct LoadRun: Sendable {
  private let plan: LoadPlan
  private let tool: String

  /// A run.
  ///
  /// - Parameter tool: the program and its release, for the result.
  package init(_ plan: LoadPlan, tool: String) {
    self.plan = plan
    self.tool = tool
  }

  /// Runs to the end, or until the task is cancelled, and tells what came of it.
  ///
  /// - Parameter eachSecond: gets each entry of the timeline as it is complete.
  package func run(eachSecond: (LoadReport.Second) -> Void) async -> LoadResult {
    let scenario = plan.scenario
    let group = MultiThreadedEventLoopGroup(numberOfThreads: scenario.connection.threads)
    let clock = RunClock()
    let (ended, end) = AsyncStream.makeStream(of: Void.self)
    let usage = ProcessUsage.now()
    // A moment for the loops to have their digests and their schedules ready.
    let start = NIODeadline.now() + .milliseconds(20)
    let workers = await begin(on: group, at: start) { end.yield() }

    var timeline = Timeline(usage)
    await withTaskCancellationHandler {
      await withTaskGroup(of: Event.self) { tasks in
        tasks.addTask { await Self.wait(for: workers.count, ended) }
        tasks.addTask { await Self.tick(clock, 1) }
        var second = 1
        while case .tick? = await tasks.next() {
          timeline.append(await Self.seconds(workers), untilSecond: second).forEach(eachSecond)
          second = max(second + 1, Int(clock.seconds) + 1)
          let next = second
          tasks.addTask { await Self.tick(clock, next) }
        }
        tasks.cancelAll()
      }
    } onCancel: {
      for worker in workers { worker.stop() }
    }
    // The waiting may have ended before the handler has run.
    if Task.isCancelled { workers.forEach { $0.stop() } }
    let seconds = clock.seconds
    timeline.append(await Self.seconds(workers), untilSecond: Int(seconds.rounded(.up))).forEach(eachSecond)
    var tally = Tally()
    for worker in workers { tally.add(await worker.tally()) }
    try? await group.shutdownGracefully()
    return LoadResult(
      scenario: scenario, tool: tool, startedAt: clock.startedAt, seconds: seconds,
      isInterrupted: Task.isCancelled, tally: tally, timeline: timeline.entries,
      usage: ProcessUsage.now().since(usage), warnings: plan.warnings)
  }

  private enum Event {
    case tick, ended
  }

  private func begin(
    on group: MultiThreadedEventLoopGroup, at start: NIODeadline, onDone: @escaping @Sendable () -> Void
  ) async -> [WorkerOnLoop] {
    var workers: [WorkerOnLoop] = []
    for index in 0..<plan.scenario.connection.threads {
      let (loop, plan) = (group.next(), plan)
      let worker = loop.submit {
        let worker = LoadWorker(plan, on: loop, index: index, onDone: onDone)
        worker.begin(at: start)
        return NIOLoopBound(worker, eventLoop: loop)
      }
      if let worker = try? await worker.get() { workers.append(WorkerOnLoop(loop: loop, worker: worker)) }
    }
    return workers
  }

  private static func wait(for count: Int, _ ended: AsyncStream<Void>) async -> Event {
    var left = count
    for await _ in ended {
      left -= 1
      if left == 0 { break }
    }
    return .ended
  }

  private static func tick(_ clock: RunClock, _ second: Int) async -> Event {
    // Cancelled, the ticks end, and the last part of a second is told at the end.
    try? await Task.sleep(for: .seconds(max(0, Double(second) - clock.seconds)))
    return .tick
  }

  private static func seconds(_ workers: [WorkerOnLoop]) async -> SecondTally {
    var sum = SecondTally()
    for worker in workers { sum.add(await worker.takeSecond()) }
    return sum
  }
}

import ArgumentParser
import NIOCore
import OperatingSystem

/// File descriptors for what a client command does beside its files. NIO ends the process where it finds none.
enum EventLoops {
  // Sockets, a resolver, the file, the kept key, and what libraries open for a moment.
  private static let others = 16

  /// Raises the limit, and has as many loops as fit into it. Before there is one.
  static func prepare() {
    let loops = max(1, min(System.coreCount, DescriptorLimit.raise() / 16))
    NIOSingletons.groupLoopCountSuggestion = loops
  }

  /// Looks whether there are enough descriptors for the loops and what goes with them.
  ///
  /// - Throws: ``ExitStatus/refused``, after a message, where there are too few.
  static func requireRoom() throws {
    try requireRoom(for: others + NIOSingletons.groupLoopCountSuggestion * DescriptorLimit.ofEventLoop)
  }

  /// Looks whether so many more descriptors can be had.
  ///
  /// - Throws: ``ExitStatus/refused``, after a message, where there are too few.
  static func requireRoom(for needed: Int) throws {
    guard !DescriptorLimit.hasRoom(for: needed) else { return }
    Console.error(
      "sluice: \(needed) more file descriptors are needed, and the process may have \(DescriptorLimit.current) in all: "
        + "raise the limit (`ulimit -n`)")
    throw ExitStatus.refused
  }
}

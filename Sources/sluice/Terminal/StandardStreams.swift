import ArgumentParser

#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// Standard input, output and error as the process got them.
enum StandardStreams {
  /// Whether SIGPIPE ended the process, had it not been for ``prepare()``.
  nonisolated(unsafe) private static var endsAtBrokenPipe = false  // Set before there is a second thread.

  /// Before anything else.
  ///
  /// A stream that is closed would be the number of the next file that is opened, and what is printed would end up in
  /// the ledger or go to a client. So the number is taken, by something that fails as a closed stream does: output by
  /// what can only be read, input by what can only be written. Standard error fails in silence anyway.
  static func prepare() {
    for (descriptor, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(descriptor, F_GETFD) < 0 {
      // open(2) takes the lowest free number, which is this stream's.
      _ = open("/dev/null", mode)
    }
    // An upload goes on when the reader of its output goes away.
    let handler = signal(SIGPIPE, SIG_IGN)
    endsAtBrokenPipe = handler.map { unsafeBitCast($0, to: Int.self) } != unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Ends the process without a word, which nobody would read.
  static func endAtOnce(_ status: ExitCode) -> Never { exit(status.rawValue) }

  /// Ends the process; a command succeeds only if what it printed was taken.
  static func end(_ status: ExitCode) -> Never {
    guard let problem = Console.closeOutput() else { exit(status.rawValue) }
    let isDone = status.isSuccess || status == ExitStatus.outputLost
    if problem == EPIPE, isDone, endsAtBrokenPipe {
      signal(SIGPIPE, SIG_DFL)
      raise(SIGPIPE)
    }
    Console.error("sluice: standard output cannot be written: \(String(cString: strerror(problem)))")
    exit(isDone ? ExitStatus.outputLost.rawValue : status.rawValue)
  }
}

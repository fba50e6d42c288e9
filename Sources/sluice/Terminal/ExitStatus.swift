import ArgumentParser
import XStreamClient

/// How client commands end. A wrong command line ends with 64 (`EX_USAGE`), from the argument parser.
enum ExitStatus {
  /// The server refused for good, or the file or a setting is wrong: the same command would fail again.
  static let refused = ExitCode(1)
  /// Interrupted, or no success for now: the same command may go on later (`EX_TEMPFAIL` of sysexits.h).
  static let tryAgain = ExitCode(75)

  /// Done, but what was asked for could not be written to standard output (`EX_IOERR` of sysexits.h). Every command's.
  static let outputLost = ExitCode(74)

  /// The upload is complete, but the file has grown since it began: the server has what the file had then.
  static let grown = ExitCode(2)

  static let help = """
    Exit status: 0 all is well; 1 refused for good, the same command would fail again; 64 the command line is wrong; \
    74 done, but standard output cannot be written; 75 interrupted or no success for now, the same command goes on later.
    """

  static func of(_ error: UploadError) -> ExitCode {
    error.isWorthAnotherTry ? tryAgain : refused
  }
}

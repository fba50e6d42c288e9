#if canImport(Glibc)
  import Glibc
#else
  import Musl
#endif

/// The words of the process's command line as the system has them: bytes, which need not be UTF-8.
/// `CommandLine.arguments` and what parsers make of it have U+FFFD in place of what is not.
package enum CommandLineWords {
  /// All words behind the program's own name.
  package static var bytes: [[UInt8]] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      guard let word = CommandLine.unsafeArgv[index] else { return nil }
      return UnsafeBufferPointer(start: word, count: strlen(word)).map(UInt8.init(bitPattern:))
    }
  }
}

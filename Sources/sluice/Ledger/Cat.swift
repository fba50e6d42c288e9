import ArgumentParser
import Forwarders
import Glibc

/// `sluice cat`.
struct Cat: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cat",
    abstract: "Print a compressed file as one gzip member, or what is in it.",
    discussion: """
      A store with gzip writes files of many members, one after another. Some readers stop after the first without an \
      error (docs/gzip.md says which). For those this joins the members to one, without compressing anything again. Any \
      other gzip file does too. Each member is held against its checksum.

      Exit status 0 if all is well; 1 the file cannot be read or is damaged; 74 standard output cannot be written.
      """)

  @Flag(help: "Print what was compressed, as zcat does.")
  var contents = false

  @Argument(help: ArgumentHelp("The file, or - for standard input.", valueName: "file"))
  var file: String

  func run() throws {
    guard contents || isatty(STDOUT_FILENO) == 0 else {
      throw CommandFailure("a terminal cannot show gzip; send it to a file, or say --contents.")
    }
    let input = file == "-" ? 0 : open(file, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw failure("opening it") }
    defer { if input > 0 { close(input) } }
    let joiner = MemberJoiner(contents ? .contents : .member)
    do {
      try join(input, joiner)
      try joiner.finish(emit: Console.output(bytes:))
    } catch let fault as MemberJoiner.Fault {
      throw CommandFailure("\(file), byte \(fault.offset): \(fault.reason).")
    }
  }

  private func join(_ input: CInt, _ joiner: MemberJoiner) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    defer { buffer.deallocate() }
    while true {
      let count = read(input, buffer.baseAddress, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("reading it") }
      if count == 0 { return }
      try joiner.take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), emit: Console.output(bytes:))
    }
  }

  private func failure(_ attempt: String) -> CommandFailure {
    CommandFailure("\(file): \(attempt) failed: \(String(cString: strerror(errno))).")
  }
}
